// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// settledCluster returns a settled cluster with two reachable Pods that reload their certificates.
func settledCluster(t *testing.T) *cluster {
	t.Helper()
	c := newCluster(t, 1)
	for _, p := range c.pods {
		p.neverReloads, p.unreachable = false, false
	}
	c.operate(0)
	if c.last.Waiting != "" {
		t.Fatalf("a new server waits for %s", c.last.Waiting)
	}
	return c
}

func TestPhasesAreInOrder(t *testing.T) {
	c := settledCluster(t)
	c.pass(time.Minute) // the operator's clock jumps a little, and no certificate must be newer than the trigger
	c.request.RotateCAAfter = c.now.Truncate(time.Second)
	var phases []string
	for range 200 {
		c.operate(0)
		if phase := string(c.last.Record.Phase); len(phases) == 0 || phases[len(phases)-1] != phase {
			phases = append(phases, phase)
		}
		c.pass(5 * time.Second)
	}
	if got, want := strings.Join(phases, " "), "PublishingTrust AwaitingTrust AwaitingServed DroppingTrust "; got != want {
		t.Errorf("the phases were %q, want %q", got, want)
	}
}

func TestRenewalByATrustedCAWaitsOnlyForPods(t *testing.T) {
	c := settledCluster(t)
	c.pass(TrustDwell + time.Minute)
	c.request.RotateServingAfter = c.now.Truncate(time.Second)
	c.operate(0)
	if c.last.Replaced == "" || c.last.Record.Phase != v1alpha1.RotationAwaitingServed {
		t.Errorf("the plan is in phase %q and replaced the certificate because %q", c.last.Record.Phase, c.last.Replaced)
	}
}

// Right after the registration, nothing but what the Pods serve shows that kube-apiserver has loaded the CA.
func TestALostCertificateIsReissuedAtOnceByTheCAWhoseCertificatesAllPodsServe(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*cluster)
		reissue bool
	}{
		"all Pods serve one":          {func(*cluster) {}, true},
		"the record is lost as well":  {func(c *cluster) { c.state.Record = Record{} }, true},
		"a Pod is unreachable":        {func(c *cluster) { c.pods[0].unreachable = true }, false},
		"an APIService lacks the CA":  {func(c *cluster) { c.apiServices[0].published = otherAuthority(c) }, false},
		"a Pod serves one of another": {func(c *cluster) { c.provide(); c.state.Bundle = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := settledCluster(t)
			c.state.Serving = pki.KeyPair{}
			test.change(c)
			c.operate(0)
			if reissued := c.stored() != nil; reissued != test.reissue {
				t.Errorf("reissued: %v, the plan waits for %q", reissued, c.last.Waiting)
			}
		})
	}
}

func otherAuthority(c *cluster) []byte {
	c.Helper()
	other, err := pki.NewSigner("other", c.now, time.Hour)
	if err != nil {
		c.Fatal(err)
	}
	return other.Certificate
}

func TestCertificateIsReplacedWithoutWaitingIfNoRequestCanBeLost(t *testing.T) {
	c := settledCluster(t)
	c.pods = nil
	c.signer, c.state.Serving = pki.KeyPair{}, pki.KeyPair{}
	c.operate(0)
	if c.last.Replaced == "" {
		t.Errorf("no Pod serves, but the plan waits for %s", c.last.Waiting)
	}
}

func TestExpiredCertificatesAreReplacedImmediately(t *testing.T) {
	c := settledCluster(t)
	c.now = c.now.Add(4000 * 24 * time.Hour)
	c.operate(0)
	if c.last.Replaced == "" {
		t.Errorf("no request can succeed, but the plan waits for %s", c.last.Waiting)
	}
}

func TestPodsThatDelayARotationAreNamed(t *testing.T) {
	c := settledCluster(t)
	c.pass(TrustDwell + time.Minute)
	c.request.RotateServingAfter = c.now.Truncate(time.Second)
	c.pods[0].neverReloads, c.pods[1].unreachable = true, true
	c.operate(0)
	assertWaiting(t, c.last, false, c.pods[0].name)
	c.pods[0].neverReloads = false
	c.pods[0].serving = c.stored()
	c.operate(0)
	assertWaiting(t, c.last, false, c.pods[1].name+" (connection refused)")
	c.pods[0].serving = oldLeaf(t, c)
	c.now = c.now.Add(UnreachableDwell + time.Minute)
	c.operate(0)
	assertWaiting(t, c.last, true, c.pods[0].name)
	c.pods[0].serving = c.stored()
	c.operate(0)
	if c.last.Waiting != "" {
		t.Errorf("the plan waits for an unreachable Pod without a limit: %s", c.last.Waiting)
	}
}

// A Pod does not keep a CA trusted forever: once its certificate has expired, no client accepts it.
func TestOldCAIsDroppedOnceTheCertificateOfAStuckPodHasExpired(t *testing.T) {
	c := settledCluster(t)
	c.pods[0].neverReloads = true
	old := c.pods[0].serving
	c.pass(time.Minute) // the operator's clock jumps a little, and no certificate must be newer than the trigger
	c.request.RotateCAAfter = c.now.Truncate(time.Second)
	for range 10 { // the other Pod reloads
		c.operate(0)
		c.pass(TrustDwell)
	}
	assertWaiting(t, c.last, true, c.pods[0].name)
	assertTrusted(t, c, 2)

	c.now = old.NotAfter.Add(-time.Hour)
	c.operate(0)
	assertTrusted(t, c, 2)
	c.now = old.NotAfter.Add(time.Minute)
	c.pods[1].serving = c.stored()
	c.operate(0)
	assertTrusted(t, c, 1)
}

func assertTrusted(t *testing.T, c *cluster, count int) {
	t.Helper()
	if trusted, err := cert.ParseCertsPEM(c.state.Bundle); err != nil || len(trusted) != count {
		t.Errorf("%d CAs are trusted (%v), want %d; the plan waits for %s", len(trusted), err, count, c.last.Waiting)
	}
}

func TestDamagedCertificatesAreReportedAsErrors(t *testing.T) {
	c := settledCluster(t)
	want := Desired{Host: host, Issue: func() (pki.KeyPair, error) { return pki.KeyPair{}, errors.New("no randomness") }}
	want.Replace = "test"
	if _, err := Next(c.state, want, c.observe(), c.now); err == nil {
		t.Error("a certificate that could not be issued was stored")
	}
	want.Replace = ""
	if _, err := Next(State{Serving: pki.KeyPair{Certificate: []byte("garbage")}}, want, c.observe(), c.now); err == nil {
		t.Error("an invalid certificate was accepted")
	}
}

func assertWaiting(t *testing.T, plan Plan, stuck bool, words string) {
	t.Helper()
	if !strings.Contains(plan.Waiting, words) || plan.Stuck != stuck || plan.CheckAfter == 0 || plan.Next == "" {
		t.Errorf("waits for %q (stuck: %v, checks again after %s), want %q (%v)",
			plan.Waiting, plan.Stuck, plan.CheckAfter, words, stuck)
	}
}

// oldLeaf returns another certificate that is trusted.
func oldLeaf(t *testing.T, c *cluster) *x509.Certificate {
	t.Helper()
	pair, err := c.signer.IssueServing([]string{host}, c.now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := cert.ParseCertsPEM(pair.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return certificates[0]
}
