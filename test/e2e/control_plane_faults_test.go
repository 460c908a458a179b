// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// controlPlaneFault is a fault of one of several kube-apiservers.
type controlPlaneFault struct {
	name string
	// begin causes it, until end is called.
	begin func(*testing.T, kubeAPIServer) (end func())
	// reason is that of the condition that names the kube-apiserver. Empty: it is as good as the others, or none at all,
	// so that no condition may change.
	reason string
	// shared is true if it reports the APIServices unavailable. Their status belongs to all kube-apiservers: each answers
	// 503 until another one reports the opposite (kube-aggregator pkg/apiserver/handler_proxy.go).
	shared bool
	// long is true if it is part of 'make e2e-long'.
	long bool
}

var controlPlaneFaults = []controlPlaneFault{
	{name: "killed", begin: killed},
	{name: "hung", begin: hung},
	{name: "restarted", begin: restarted},
	{name: "partitioned from the server", begin: partitioned, reason: v1alpha1.ReasonNetworkBlocked, shared: true},
	{
		name: "of another front-proxy authority", begin: startedWith(otherFrontProxy),
		reason: v1alpha1.ReasonFrontProxyRejected, shared: true,
	},
	{
		name: "without flags for aggregation", begin: startedWith(noFrontProxy),
		reason: v1alpha1.ReasonFrontProxyRejected, shared: true,
	},
	{name: "of the minor version before", begin: startedAs(earlierMinor), long: true},
}

const earlierMinor = "1.35"

// TestFaultOfOneKubeAPIServerIsNamedAndAffectsNoOther causes one fault after the other, each on another kube-apiserver,
// while users read through the others.
func TestFaultOfOneKubeAPIServerIsNamedAndAffectsNoOther(t *testing.T) {
	servers := eachKubeAPIServer(t)
	extensionAPI := wardle(t, sampleNamespace) // authenticates kube-apiserver, which the server with faults does not
	extensionAPI.Spec.Discovery.Interval = &metav1.Duration{Duration: 2 * time.Second}
	create(t, extensionAPI)
	eventually(t, time.Minute, isHealthy(extensionAPI))
	for i, fault := range controlPlaneFaults {
		t.Run(fault.name, func(t *testing.T) {
			if fault.long {
				onlyLong(t)
			}
			faulty := servers[i%len(servers)]
			fault.mustBeReported(t, extensionAPI, faulty, others(servers, faulty))
		})
	}
}

// flunderReads are what users read of the sample.
var flunderReads = []string{
	"/apis/" + flunderGroup + "/v1beta1", "/apis/" + flunderGroup + "/v1alpha1/namespaces/default/flunders",
	"/apis/" + flunderGroup + "/v1alpha1", "/apis/" + flunderGroup + "/v1beta1/namespaces/default/flunders",
}

func (f controlPlaneFault) mustBeReported(
	t *testing.T, extensionAPI *v1alpha1.ExtensionAPI, faulty kubeAPIServer, healthy []kubeAPIServer,
) {
	t.Helper()
	before := standingNow(t)
	through := readThrough(t, healthy, flunderReads...)
	end := f.begin(t, faulty)
	if f.reason == "" {
		stays(t, 40*time.Second, blamesNothing(extensionAPI))
		standingNow(t).mustBe(t, before)
	} else {
		reported := eventually(t, faultReported, states(extensionAPI, f.reason, faulty.address))
		progress("a kube-apiserver %s: %s was reported after %s", f.name, f.reason, reported)
	}
	through.mustLose(t, f.shared)
	end()
	eventually(t, time.Minute, faulty.serves(t, flunderReads[0]))
	progress("  it recovered after %s", eventually(t, faultReported, isHealthy(extensionAPI)))
}

// blamesNothing succeeds while no condition reports that something is wrong. That something cannot be probed is true.
func blamesNothing(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		for _, condition := range current.Status.Conditions {
			isBad := condition.Status == no
			if slices.Contains([]string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled}, condition.Type) {
				isBad = condition.Status == yes
			}
			if isBad {
				return fmt.Errorf("%s is %s: %s", condition.Type, condition.Status, describe(current))
			}
		}
		return nil
	}
}

func killed(t *testing.T, s kubeAPIServer) (end func()) {
	t.Helper()
	s.order(t, "kill", nil)
	return startAgain(t, s)
}

func hung(t *testing.T, s kubeAPIServer) (end func()) {
	t.Helper()
	s.order(t, "pause", nil)
	end = func() { s.order(t, "resume", nil) }
	t.Cleanup(end)
	return end
}

func restarted(t *testing.T, s kubeAPIServer) (end func()) {
	t.Helper()
	s.order(t, "stop", nil)
	startAgain(t, s)()
	return func() {}
}

func partitioned(t *testing.T, s kubeAPIServer) (end func()) {
	t.Helper()
	return s.cutOffFrom(t, "wardle")
}

func startedAs(minor string) func(*testing.T, kubeAPIServer) func() {
	return func(t *testing.T, s kubeAPIServer) func() {
		t.Helper()
		s.order(t, "start", []string{"--kubernetes", minor})
		return startAgain(t, s)
	}
}

func startedWith(flags func(*testing.T) []string) func(*testing.T, kubeAPIServer) func() {
	return func(t *testing.T, s kubeAPIServer) func() {
		t.Helper()
		s.order(t, "start", nil, flags(t)...)
		return startAgain(t, s)
	}
}

// startAgain starts a kube-apiserver as the others, and waits until it is ready.
func startAgain(t *testing.T, s kubeAPIServer) (end func()) {
	t.Helper()
	end = func() { s.order(t, "start", nil) }
	t.Cleanup(end) // does nothing where it runs so
	return end
}

// noFrontProxy leaves a kube-apiserver without a certificate for servers, which take it for an anonymous user.
func noFrontProxy(*testing.T) []string {
	return []string{"--proxy-client-cert-file=", "--proxy-client-key-file=", "--requestheader-client-ca-file="}
}

// otherFrontProxy makes a certificate for servers of an authority that no kube-apiserver publishes.
func otherFrontProxy(t *testing.T) []string {
	t.Helper()
	const certFile, keyFile = "pki/other-front-proxy.crt", "pki/other-front-proxy.key"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := certutil.NewSelfSignedCACert(certutil.Config{CommonName: "front-proxy-client"}, key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, err := certutil.EncodeCertificates(certificate)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{certFile: certPEM, keyFile: keyPEM} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(kubeconfig), file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"--proxy-client-cert-file=" + inNode(certFile), "--proxy-client-key-file=" + inNode(keyFile)}
}
