// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const host = "wardle.wardle-system.svc"

// world is a cluster as far as certificates go: kube-apiservers that load what is published later than it is, Pods that
// get a Secret later than it is written, and an operator that may crash between any two writes.
type world struct {
	*testing.T
	random  *rand.Rand
	now     time.Time
	request pki.Request

	// What is stored.
	state  State
	signer pki.KeyPair

	// brought is the certificate of somebody else, nil while the operator issues.
	brought *brought

	apiServices []*apiService
	pods        []*pod
	// last is the operator's last plan.
	last    Plan
	answers map[string]bool
}

type brought struct {
	serving     pki.KeyPair
	authorities []*x509.Certificate
}

// apiService is one APIService as the kube-apiservers see it.
type apiService struct {
	published []byte
	// loaded is what each kube-apiserver verifies with, and loads what it will.
	loaded [2][]byte
	loads  [2][]load
}

type load struct {
	at     time.Time
	bundle []byte
}

type pod struct {
	name    string
	serving *x509.Certificate
	// mounts is when the kubelet brings what is stored by then.
	mounts []time.Time
	// stubborn is a server that never reads its files again; hidden is one that the operator cannot reach.
	stubborn, hidden bool
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		T:       t,
		answers: map[string]bool{},
		random:  rand.New(rand.NewPCG(seed, seed)),
		now:     time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		request: pki.Request{
			Name: "wardle", DNSNames: []string{host},
			Validity: 90 * 24 * time.Hour, RenewBefore: 30 * 24 * time.Hour, CAValidity: 3650 * 24 * time.Hour,
		},
	}
	w.operate(0)
	w.startPod()
	w.startPod()
	w.apiServices = []*apiService{{}, {}}
	for _, registered := range w.apiServices {
		registered.published = w.state.Bundle
		registered.loaded = [2][]byte{w.state.Bundle, w.state.Bundle}
	}
	return w
}

// operate is one reconciliation that crashes after some writes, if crashAfter is not 0.
func (w *world) operate(crashAfter int) {
	w.Helper()
	now := w.now.Add(w.upTo(20 * time.Second)) // the operator's clock may jump a little
	signer, want := w.wanted(now)
	plan, err := Next(w.state, want, w.see(), now)
	if err != nil {
		w.Fatal(err)
	}
	w.last = plan
	writes := []func(){
		func() { w.signer, w.state.Bundle = signer, plan.Bundle },
		func() { w.writeServing(plan.Serving) },
		func() { w.state.Record = plan.Record },
	}
	for _, registered := range w.apiServices {
		writes = append(writes, func() { w.publish(registered, plan.Bundle) })
	}
	for i, write := range writes {
		if crashAfter > 0 && i >= crashAfter {
			return
		}
		write()
	}
}

// wanted is the operator's own certificate, or the one that somebody brought.
func (w *world) wanted(now time.Time) (pki.KeyPair, Wanted) {
	w.Helper()
	if w.brought != nil {
		return pki.KeyPair{}, Provided(w.state.Serving, w.brought.serving, w.brought.authorities, host)
	}
	signer, want, err := Managed(w.signer, w.state.Serving, w.request, now)
	if err != nil {
		w.Fatal(err)
	}
	return signer, want
}

// bring is somebody who brings a certificate, of an authority of their own.
func (w *world) bring() {
	w.Helper()
	signer, want, err := Managed(pki.KeyPair{}, pki.KeyPair{}, w.request, w.now)
	if err != nil {
		w.Fatal(err)
	}
	serving, err := signer.IssueServing([]string{host}, w.now, w.request.Validity)
	if err != nil {
		w.Fatal(err)
	}
	w.brought = &brought{serving, want.Authorities}
}

func (w *world) see() Seen {
	seen := Seen{}
	for _, registered := range w.apiServices {
		seen.CABundles = append(seen.CABundles, registered.published)
	}
	seen.Pods = func() []Pod {
		var pods []Pod
		for _, p := range w.pods {
			if p.hidden {
				pods = append(pods, Pod{Name: p.name, Err: errors.New("connection refused")})
				continue
			}
			pods = append(pods, Pod{Name: p.name, Chain: []*x509.Certificate{p.serving}})
		}
		return pods
	}
	return seen
}

func (w *world) writeServing(serving pki.KeyPair) {
	if string(serving.Certificate) == string(w.state.Serving.Certificate) {
		return
	}
	w.state.Serving = serving
	for _, p := range w.pods {
		delay := 150 * time.Second // the kubelet's and the server's
		if p.hidden {
			delay = UnseenDwell - time.Minute
		}
		if !p.stubborn {
			p.mounts = append(p.mounts, w.now.Add(w.upTo(delay)))
		}
	}
}

func (w *world) stored() *x509.Certificate {
	certificates, err := cert.ParseCertsPEM(w.state.Serving.Certificate)
	if err != nil {
		return nil
	}
	return certificates[0]
}

func (w *world) publish(registered *apiService, bundle []byte) {
	if string(registered.published) == string(bundle) {
		return
	}
	registered.published = bundle
	for i, pending := range registered.loads {
		at := w.now.Add(w.upTo(TrustDwell - time.Minute))
		if len(pending) > 0 && pending[len(pending)-1].at.After(at) {
			at = pending[len(pending)-1].at
		}
		registered.loads[i] = append(pending, load{at, bundle})
	}
}

func (w *world) startPod() {
	if leaf := w.stored(); leaf != nil {
		kind := w.random.IntN(10)
		w.pods = append(w.pods, &pod{
			name: fmt.Sprint("pod-", w.random.IntN(1000)), serving: leaf, stubborn: kind == 0, hidden: kind == 1,
		})
	}
}

// pass lets time go by in small steps, and looks at each whether a request would be lost.
func (w *world) pass(duration time.Duration) {
	w.Helper()
	const step = 5 * time.Second
	for end := w.now.Add(duration); w.now.Before(end); {
		w.now = w.now.Add(step)
		for _, registered := range w.apiServices {
			for i := range registered.loads {
				for len(registered.loads[i]) > 0 && !registered.loads[i][0].at.After(w.now) {
					registered.loaded[i], registered.loads[i] = registered.loads[i][0].bundle, registered.loads[i][1:]
				}
			}
		}
		for _, p := range w.pods {
			due := slices.ContainsFunc(p.mounts, func(at time.Time) bool { return !at.After(w.now) })
			p.mounts = slices.DeleteFunc(p.mounts, func(at time.Time) bool { return !at.After(w.now) })
			if stored := w.stored(); due && stored != nil {
				p.serving = stored
			}
		}
		w.assertNoRequestIsLost()
	}
}

func (w *world) assertNoRequestIsLost() {
	w.Helper()
	for _, registered := range w.apiServices {
		for i, bundle := range registered.loaded {
			for _, p := range w.pods {
				if !w.trusts(bundle, p.serving) {
					w.Fatalf("at %s kube-apiserver %d does not trust what %s serves; the last plan waited for %q (%s)",
						w.now, i, p.name, w.last.Waiting, w.last.Record.Phase)
				}
			}
		}
	}
}

// trusts remembers its answers: signatures are slow to check.
func (w *world) trusts(bundle []byte, leaf *x509.Certificate) bool {
	question := string(bundle) + string(leaf.Raw)
	answer, known := w.answers[question]
	if !known {
		authorities, err := cert.ParseCertsPEM(bundle)
		answer = err == nil && slices.ContainsFunc(authorities, func(authority *x509.Certificate) bool {
			return leaf.CheckSignatureFrom(authority) == nil
		})
		w.answers[question] = answer
	}
	return answer
}

func (w *world) upTo(limit time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(limit)))
}
