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

// quietWorld is a settled cluster with two Pods that read their certificate and can be reached.
func quietWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, 1)
	for _, p := range w.pods {
		p.stubborn, p.hidden = false, false
	}
	w.operate(0)
	if w.last.Waiting != "" {
		t.Fatalf("a new server waits for %s", w.last.Waiting)
	}
	return w
}

func TestPhasesFollowEachOther(t *testing.T) {
	w := quietWorld(t)
	w.pass(time.Minute) // its clock jumps a little, and nothing must be younger than the moment
	w.request.RotateCAAfter = w.now.Truncate(time.Second)
	var phases []string
	for range 200 {
		w.operate(0)
		if phase := string(w.last.Record.Phase); len(phases) == 0 || phases[len(phases)-1] != phase {
			phases = append(phases, phase)
		}
		w.pass(5 * time.Second)
	}
	if got, want := strings.Join(phases, " "), "PublishingTrust AwaitingTrust AwaitingServed DroppingTrust "; got != want {
		t.Errorf("the phases were %q, want %q", got, want)
	}
}

func TestRenewalByATrustedAuthorityWaitsForThePodsOnly(t *testing.T) {
	w := quietWorld(t)
	w.pass(TrustDwell + time.Minute)
	w.request.RotateServingAfter = w.now.Truncate(time.Second)
	w.operate(0)
	if w.last.Replaced == "" || w.last.Record.Phase != v1alpha1.RotationAwaitingServed {
		t.Errorf("the plan is in phase %q and replaced the certificate because %q", w.last.Record.Phase, w.last.Replaced)
	}
}

func TestNothingIsWaitedForWhereNothingCanBeLost(t *testing.T) {
	w := quietWorld(t)
	w.pods = nil
	w.signer, w.state.Serving = pki.KeyPair{}, pki.KeyPair{}
	w.operate(0)
	if w.last.Replaced == "" {
		t.Errorf("no Pod serves, and still the plan waits for %s", w.last.Waiting)
	}
}

func TestExpiredCertificatesAreReplacedAtOnce(t *testing.T) {
	w := quietWorld(t)
	w.now = w.now.Add(4000 * 24 * time.Hour)
	w.operate(0)
	if w.last.Replaced == "" {
		t.Errorf("no request can succeed, and still the plan waits for %s", w.last.Waiting)
	}
}

func TestPodsThatHoldUpAChangeAreNamed(t *testing.T) {
	w := quietWorld(t)
	w.pass(TrustDwell + time.Minute)
	w.request.RotateServingAfter = w.now.Truncate(time.Second)
	w.pods[0].stubborn, w.pods[1].hidden = true, true
	w.operate(0)
	assertWaiting(t, w.last, false, w.pods[0].name)
	w.pods[0].stubborn = false
	w.pods[0].serving = w.stored()
	w.operate(0)
	assertWaiting(t, w.last, false, w.pods[1].name+" (connection refused)")
	w.pods[0].serving = oldLeaf(t, w)
	w.now = w.now.Add(UnseenDwell + time.Minute)
	w.operate(0)
	assertWaiting(t, w.last, true, w.pods[0].name)
	w.pods[0].serving = w.stored()
	w.operate(0)
	if w.last.Waiting != "" {
		t.Errorf("a Pod that cannot be reached is waited for without end: %s", w.last.Waiting)
	}
}

// No Pod keeps an authority trusted for ever: no client accepts what it serves once that has expired.
func TestPodThatNeverServesTheNewCertificateHoldsTheOldAuthorityNoLongerThanItsCertificate(t *testing.T) {
	w := quietWorld(t)
	w.pods[0].stubborn = true
	old := w.pods[0].serving
	w.pass(time.Minute) // its clock jumps a little, and nothing must be younger than the moment
	w.request.RotateCAAfter = w.now.Truncate(time.Second)
	for range 10 { // the other Pod follows
		w.operate(0)
		w.pass(TrustDwell)
	}
	assertWaiting(t, w.last, true, w.pods[0].name)
	assertTrusted(t, w, 2)

	w.now = old.NotAfter.Add(-time.Hour)
	w.operate(0)
	assertTrusted(t, w, 2)
	w.now = old.NotAfter.Add(time.Minute)
	w.pods[1].serving = w.stored()
	w.operate(0)
	assertTrusted(t, w, 1)
}

func assertTrusted(t *testing.T, w *world, count int) {
	t.Helper()
	if trusted, err := cert.ParseCertsPEM(w.state.Bundle); err != nil || len(trusted) != count {
		t.Errorf("%d authorities are trusted (%v), want %d; it is waited for %s", len(trusted), err, count, w.last.Waiting)
	}
}

func TestDamagedCertificateIsNoReasonToPanic(t *testing.T) {
	w := quietWorld(t)
	want := Wanted{Host: host, Issue: func() (pki.KeyPair, error) { return pki.KeyPair{}, errors.New("no randomness") }}
	want.Replace = "test"
	if _, err := Next(w.state, want, w.see(), w.now); err == nil {
		t.Error("a certificate that could not be issued was stored")
	}
	want.Replace = ""
	if _, err := Next(State{Serving: pki.KeyPair{Certificate: []byte("rubbish")}}, want, w.see(), w.now); err == nil {
		t.Error("rubbish was taken for a certificate")
	}
}

func assertWaiting(t *testing.T, plan Plan, stuck bool, words string) {
	t.Helper()
	if !strings.Contains(plan.Waiting, words) || plan.Stuck != stuck || plan.CheckAfter == 0 || plan.Next == "" {
		t.Errorf("waits for %q (stuck: %v, looks again after %s), want %q (%v)",
			plan.Waiting, plan.Stuck, plan.CheckAfter, words, stuck)
	}
}

// oldLeaf is another certificate that is trusted.
func oldLeaf(t *testing.T, w *world) *x509.Certificate {
	t.Helper()
	pair, err := w.signer.IssueServing([]string{host}, w.now, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := cert.ParseCertsPEM(pair.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return certificates[0]
}
