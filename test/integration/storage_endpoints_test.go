// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
	"github.com/extensionapi/extensionapi-operator/internal/storagecheck"
	"github.com/extensionapi/extensionapi-operator/test/etcdmember"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// startEtcd runs an etcd at localhost until stop is called, or the test ends.
func startEtcd(t *testing.T, dir string, port int32, flags ...string) (stop func()) {
	t.Helper()
	peer := fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	output := &bytes.Buffer{}
	etcd := exec.CommandContext(ctx, program("etcd"), append([]string{
		"--name=member", "--data-dir=" + filepath.Join(dir, "data"), "--unsafe-no-fsync",
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=member=" + peer,
	}, flags...)...)
	etcd.Stdout, etcd.Stderr = output, output
	if err := etcd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = etcd.Process.Kill()
			_ = etcd.Wait()
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("etcd at port %d:\n%s", port, output)
		}
	})
	return stop
}

// startSecureEtcd runs an etcd that authenticates clients by certificates of the CA.
func startSecureEtcd(t *testing.T, dir string, port int32, pair pki.KeyPair, ca []byte) (stop func()) {
	t.Helper()
	url := fmt.Sprintf("https://127.0.0.1:%d", port)
	flags := []string{"--client-cert-auth", "--listen-client-urls=" + url, "--advertise-client-urls=" + url}
	for flag, content := range map[string][]byte{
		"--trusted-ca-file": ca, "--cert-file": pair.Certificate, "--key-file": pair.Key,
	} {
		file := filepath.Join(dir, flag[2:])
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, flag+"="+file)
	}
	return startEtcd(t, dir, port, flags...)
}

// storeAtPort has objects stored in an etcd at localhost.
func storeAtPort(port int32, secret string) modification {
	return func(e *v1alpha1.ExtensionAPI) {
		storeInEtcd(secret)(e)
		e.Spec.Server.Storage.Etcd.Endpoints = []string{fmt.Sprintf("https://localhost:%d", port)}
	}
}

func TestStorageAvailableFollowsTheEndpointsAndNamesTheirCause(t *testing.T) {
	t.Parallel()
	const name = "etcd-endpoints"
	createNamespace(t, name)
	signer, other, dir, port := newSigner(t), newSigner(t), t.TempDir(), freePort(t)
	pair := clientOf(t, signer)
	create(t, providedSecret(name, "etcd", pair, signer.Certificate))
	stop := startSecureEtcd(t, dir, port, clientOf(t, other), other.Certificate)
	apply(t, servedWith(name, storeAtPort(port, "etcd")))
	awaitThat(t, name, isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageCertificate,
		"x509: certificate signed by unknown authority", "the CA of its certificate, into the Secret").check)

	unreachable := isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageUnreachable,
		fmt.Sprintf("localhost:%d (dial: connection refused, since ", port), "Check whether the storage runs")
	stop()
	awaitThat(t, name, unreachable.check)
	stop = startSecureEtcd(t, dir, port, pair, signer.Certificate)
	extensionAPI := awaitThat(t, name, isUnknown(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageStarting,
		"every endpoint answers the operator, but no replica").check)
	if endpoints := extensionAPI.Status.Storage.Endpoints; len(endpoints) != 1 || endpoints[0].CertificateNotAfter == nil {
		t.Errorf("status.storage has %+v", endpoints)
	}
	stop()
	awaitThat(t, name, unreachable.check)
}

func TestReplicasThatAnEtcdRefusesAreNamed(t *testing.T) {
	t.Parallel()
	const name = "refused-replicas"
	signer, dir, port := newSigner(t), t.TempDir(), freePort(t)
	pair := clientOf(t, signer)
	startSecureEtcd(t, dir, port, pair, signer.Certificate)
	replicas := startReplicas(t, name, 2)
	create(t, providedSecret(name, "etcd", pair, signer.Certificate))
	change(t, named(name), storeAtPort(port, "etcd"))
	awaitThat(t, name, isTrue(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageReached).check)
	replicas[1].Behave(extensionserver.Behaviour{FailedChecks: []string{"etcd"}})
	awaitThat(t, name, isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageRefuses,
		"1 of 2 replicas do not reach their storage, as their check etcd of /readyz reports: refused-replicas-1",
		"every endpoint answers the operator", "see its log: kubectl -n refused-replicas logs refused-replicas-1").check)
	replicas[1].Behave(extensionserver.Behaviour{})
	awaitThat(t, name, isTrue(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageReached).check)
}

func TestAnEtcdThatIsFullIsReportedAndWrittenToAgainWhenObjectsWereDeleted(t *testing.T) {
	t.Parallel()
	const quota = 16 << 20
	dir, port := t.TempDir(), freePort(t)
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	startEtcd(t, dir, port, "--listen-client-urls="+url, "--advertise-client-urls="+url,
		fmt.Sprintf("--quota-backend-bytes=%d", quota))
	address := net.JoinHostPort("127.0.0.1", fmt.Sprint(port))
	endpoint := storage.Endpoint{Protocol: storage.PlainEtcd, Address: address, Dial: address}
	target := storage.Target{Endpoints: []storage.Endpoint{endpoint}, Quota: quota, Now: time.Now()}
	look := func() storage.Answer { return storagecheck.Look(ctx, target).Endpoints[address] }
	eventually(t, func() error { return look().Err })
	member := etcdmember.Member{URL: url, Client: http.DefaultClient}
	if err := member.Fill(ctx, "key-", quota); err != nil {
		t.Fatal(err)
	}
	if answer := look(); !bytes.Contains([]byte(answer.Alarm), []byte("NOSPACE")) {
		t.Fatalf("a full etcd answers %+v", answer)
	}
	// With its history: the operator does not compact, as etcd and k8s.io/apiserver do.
	revision, err := member.Delete(ctx, "key-")
	if err := errors.Join(err, member.Compact(ctx, revision)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if answer := look(); answer.Err != nil || answer.Alarm != "" {
			return fmt.Errorf("it answers %+v", answer)
		}
		return member.Put(ctx, "again", []byte("value"))
	})
}
