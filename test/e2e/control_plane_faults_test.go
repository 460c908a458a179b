// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// controlPlaneFault is a fault of one of several kube-apiservers.
type controlPlaneFault struct {
	name string
	// begin causes it, until end is called.
	begin func(*testing.T, kubeAPIServer) (end func())
	// reasons are those with which a condition may name the kube-apiserver. None: it is as good as the others, or does not
	// answer at all, so that no condition may change.
	reasons []string
	// ofSample is true if it affects only the sample, which authenticates kube-apiserver.
	ofSample bool
	// shared is true if it reports the APIServices unavailable. Their status belongs to all kube-apiservers: each answers
	// 503 until another one reports the opposite (kube-aggregator pkg/apiserver/handler_proxy.go).
	shared bool
	// long is true if it is part of 'make e2e-long'.
	long bool
}

var controlPlaneFaults = []controlPlaneFault{
	{name: "killed", begin: killed, long: true},
	{name: "hung", begin: hung},
	{name: "restarted", begin: restarted, long: true},
	{
		name: "partitioned from the Pods", begin: partitioned,
		reasons: []string{v1alpha1.ReasonNetworkBlocked}, shared: true,
	},
	{
		name: "of another front-proxy authority", begin: startedWith(otherFrontProxy),
		reasons: []string{v1alpha1.ReasonFrontProxyRejected}, ofSample: true,
	},
	{
		name: "without flags for aggregation", begin: startedWith(noFrontProxy),
		// The latter where the APIService is unavailable, which the others may contradict at that moment.
		reasons:  []string{v1alpha1.ReasonFrontProxyRejected, v1alpha1.ReasonAggregationLayerNotConfigured},
		ofSample: true,
	},
	{name: "of the minor version before", begin: startedAs(earlierMinor), long: true},
}

const (
	earlierMinor = "1.35"
	// blamelessFor is longer than the Service default/kubernetes keeps a kube-apiserver that does not answer.
	blamelessFor = 35 * time.Second
)

// happen causes the fault of one kube-apiserver, while users read through the others.
func (f controlPlaneFault) happen(
	t *testing.T, servers []kubeAPIServer, number int, sample, divided *v1alpha1.ExtensionAPI,
) {
	t.Helper()
	if f.long {
		onlyLong(t)
	}
	faulty := servers[number]
	before := standingNow(t)
	through := readThrough(t, others(servers, faulty), dividedReads...)
	end := f.begin(t, faulty)
	if len(f.reasons) == 0 {
		stays(t, blamelessFor, blamesNothing(divided))
		standingNow(t).mustBe(t, before)
	} else {
		affected := divided
		if f.ofSample {
			affected = sample
		}
		reported := eventually(t, faultReported, statesOneOf(affected, f.reasons, faulty.address))
		progress("  the kube-apiserver was named after %s", reported)
	}
	through.mustLose(t, f.shared)
	end()
	eventually(t, time.Minute, faulty.serves(t, dividedReads[0]))
	for _, extensionAPI := range []*v1alpha1.ExtensionAPI{sample, divided} {
		progress("  %s is healthy after %s", extensionAPI.Name, eventually(t, faultReported, isHealthy(extensionAPI)))
	}
}

// statesOneOf succeeds when a condition with one of the reasons has words in its message.
func statesOneOf(extensionAPI *v1alpha1.ExtensionAPI, reasons []string, words string) func(context.Context) error {
	return func(ctx context.Context) error {
		var errs []error
		for _, reason := range reasons {
			err := states(extensionAPI, reason, words)(ctx)
			if err == nil {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
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
	return s.cutOffFrom(t, dividedName)
}

func startedAs(minor string) func(*testing.T, kubeAPIServer) func() {
	return func(t *testing.T, s kubeAPIServer) func() {
		t.Helper()
		s.order(t, "kill", nil)
		s.order(t, "start", []string{"--kubernetes", minor})
		return startAgain(t, s)
	}
}

func startedWith(flags func(*testing.T) []string) func(*testing.T, kubeAPIServer) func() {
	return func(t *testing.T, s kubeAPIServer) func() {
		t.Helper()
		s.order(t, "kill", nil) // stopping it takes a minute
		s.order(t, "start", nil, flags(t)...)
		return startAgain(t, s)
	}
}

// startAgain starts a kube-apiserver as the others, and waits until it is ready.
func startAgain(t *testing.T, s kubeAPIServer) (end func()) {
	t.Helper()
	t.Cleanup(func() { s.order(t, "start", nil) }) // does nothing where it runs so
	return func() {
		s.order(t, "kill", nil)
		s.order(t, "start", nil)
	}
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
