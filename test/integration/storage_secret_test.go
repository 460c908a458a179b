// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// clientOf returns a certificate for a client of an etcd, and for the etcd itself at localhost.
func clientOf(t *testing.T, signer pki.KeyPair) pki.KeyPair {
	t.Helper()
	pair, err := signer.Issue(pki.Request{
		DNSNames: []string{"localhost"}, KeyAlgorithm: v1alpha1.KeyECDSA256, ForClients: true, Validity: time.Hour,
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func providedSecret(name, secret string, pair pki.KeyPair, ca []byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: in(name, secret), Data: map[string][]byte{
		manifests.CABundleKey: ca, corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key,
	}}
}

func TestTheSecretOfAnEtcdIsVerifiedAndOnlyANewCAReplacesPods(t *testing.T) {
	t.Parallel()
	const name = "etcd-secret"
	createNamespace(t, name)
	apply(t, servedWith(name, storeInEtcd("provided")))
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonSecretNotFound,
			"Secret etcd-secret/provided does not exist", "The server is not started", "Create it, or correct secretRef"),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonStorageStarting, "See the condition StorageAvailable"))
	signer, next := newSigner(t), newSigner(t)
	first, second := clientOf(t, signer), clientOf(t, signer)
	provided := providedSecret(name, "provided", first, signer.Certificate)
	create(t, provided)
	awaitStored(t, name, corev1.TLSCertKey, first.Certificate)
	awaitRollout(t, name)
	wanted := []string{
		"--etcd-servers=https://etcd:2379", "--etcd-cafile=/var/run/extensionapi/storage/ca.crt",
		"--etcd-certfile=/var/run/extensionapi/storage/tls.crt", "--etcd-keyfile=/var/run/extensionapi/storage/tls.key",
	}
	if args := deploymentOf(t, name).Spec.Template.Spec.Containers[0].Args; !slices.Equal(args[:len(wanted)], wanted) {
		t.Errorf("the server is started with %q", args)
	}

	started := deploymentOf(t, name).Generation
	put := func(pair pki.KeyPair, ca []byte) {
		change(t, provided, func(s *corev1.Secret) { s.Data = providedSecret(name, "", pair, ca).Data })
	}
	put(second, signer.Certificate)
	awaitStored(t, name, corev1.TLSCertKey, second.Certificate)
	put(servingFor(t, signer, name), signer.Certificate)
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		return anyReason(e, v1alpha1.ReasonInvalidSecret, v1alpha1.ReasonStorageUnreachable)
	})
	awaitStored(t, name, corev1.TLSCertKey, second.Certificate)
	if generation := deploymentOf(t, name).Generation; generation != started {
		t.Error("a new certificate, which servers read again, has replaced Pods")
	}

	put(clientOf(t, next), slices.Concat(signer.Certificate, next.Certificate))
	eventually(t, func() error {
		if deploymentOf(t, name).Generation == started {
			return errors.New("a new CA, which servers read once, has not replaced Pods")
		}
		return nil
	})
}

// anyReason succeeds where StorageAvailable has one of the reasons: what replicas suffer from is reported before what
// is wrong with a Secret whose earlier content is in use.
func anyReason(e *v1alpha1.ExtensionAPI, reasons ...string) error {
	for _, condition := range e.Status.Conditions {
		if condition.Type == v1alpha1.ConditionStorageAvailable && !slices.Contains(reasons, condition.Reason) {
			return fmt.Errorf("it is %s", condition.Reason)
		}
	}
	return nil
}

// awaitStored waits for what the server's Pods mount.
func awaitStored(t *testing.T, name, key string, wanted []byte) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: in(name, manifests.StorageSecretName(name))}
	eventually(t, func() error {
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(secret), secret)
		if err == nil && !bytes.Equal(secret.Data[key], wanted) {
			err = fmt.Errorf("Secret %s has another %s", secret.Name, key)
		}
		return err
	})
}

func TestADataSourceNameIsVerifiedAndAChangeOfItReplacesPods(t *testing.T) {
	t.Parallel()
	const name, password = "dsn", "s3cr3t-pa55word"
	createNamespace(t, name)
	database := &corev1.Secret{
		ObjectMeta: in(name, "database"),
		Data:       map[string][]byte{manifests.DSNKey: []byte("postgres://user:" + password + "@localhost")},
	}
	create(t, database)
	apply(t, servedWith(name, storeInSQL("database")))
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonInvalidSecret,
		"the content of Secret dsn/database is rejected", "and name a host and a database"))

	dsn := fmt.Sprintf("postgres://user:%s@localhost:%d/shop", password, freePort(t))
	change(t, database, func(s *corev1.Secret) { s.Data[manifests.DSNKey] = []byte(dsn) })
	awaitStored(t, name, manifests.DSNKey, []byte(dsn))
	awaitRollout(t, name)
	eventually(t, func() error { return expectKine(t, name) })
	extensionAPI := awaitThat(t, name, isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageUnreachable,
		"no endpoint answers the operator: localhost:", "connection refused", ", since ").check)
	if strings.Contains(describe(extensionAPI), password) {
		t.Errorf("the status contains the password:\n%s", describe(extensionAPI))
	}

	before := deploymentOf(t, name).Generation
	change(t, database, func(s *corev1.Secret) { s.Data[manifests.DSNKey] = []byte(dsn + "?sslmode=require") })
	awaitStored(t, name, manifests.DSNKey, []byte(dsn+"?sslmode=require"))
	eventually(t, func() error {
		if deploymentOf(t, name).Generation == before {
			return errors.New("a new data source name, which kine reads once, has not replaced Pods")
		}
		return nil
	})
}

// expectKine returns an error unless kine runs beside the server, and nothing of the database is in the Deployment.
func expectKine(t *testing.T, name string) error {
	t.Helper()
	deployment := deploymentOf(t, name)
	containers := deployment.Spec.Template.Spec.InitContainers
	if len(containers) != 1 || containers[0].Name != manifests.KineContainer {
		return fmt.Errorf("beside the server there are %v", containers)
	}
	if text := fmt.Sprintf("%+v", deployment.Spec.Template); strings.Contains(text, "postgres") {
		return fmt.Errorf("the template contains the data source name: %s", text)
	}
	return nil
}
