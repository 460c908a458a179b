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

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const host = "wardle.wardle-system.svc"

// cluster simulates the certificates of a cluster: kube-apiservers that load a bundle some time after it was published,
// Pods that mount a Secret some time after it was written, and an operator that may crash between any two writes.
type cluster struct {
	*testing.T
	random  *rand.Rand
	now     time.Time
	request pki.Request

	// The stored state.
	state  State
	signer pki.KeyPair

	// provided is a certificate from another issuer, nil while the operator issues.
	provided *provided

	apiServices []*apiService
	pods        []*pod
	// last is the operator's last plan.
	last     Plan
	verified map[string]bool
}

type provided struct {
	serving     pki.KeyPair
	authorities []*x509.Certificate
}

// apiService is one APIService as seen by the kube-apiservers.
type apiService struct {
	published []byte
	// loaded is the bundle that each kube-apiserver verifies with, and loads are its pending ones.
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
	// mounts is when the kubelet updates the mounted certificate.
	mounts []time.Time
	// neverReloads is a server that never reloads its files; unreachable is one that the operator cannot reach.
	neverReloads, unreachable bool
}

func newCluster(t *testing.T, seed uint64) *cluster {
	t.Helper()
	c := &cluster{
		T:        t,
		verified: map[string]bool{},
		random:   rand.New(rand.NewPCG(seed, seed)),
		now:      time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		request: pki.Request{
			KeyAlgorithm: v1alpha1.KeyECDSA256,
			Name:         "wardle", DNSNames: []string{host},
			Validity: 90 * 24 * time.Hour, RenewBefore: 30 * 24 * time.Hour, CAValidity: 3650 * 24 * time.Hour,
		},
	}
	c.operate(0)
	c.startPod()
	c.startPod()
	c.apiServices = []*apiService{{}, {}}
	for _, registered := range c.apiServices {
		registered.published = c.state.Bundle
		registered.loaded = [2][]byte{c.state.Bundle, c.state.Bundle}
	}
	return c
}

// operate runs one reconciliation, which crashes after crashAfter writes if that is not 0.
func (c *cluster) operate(crashAfter int) {
	c.Helper()
	now := c.now.Add(c.upTo(20 * time.Second)) // the operator's clock may jump a little
	signer, want := c.wanted(now)
	plan, err := Next(c.state, want, c.observe(), now)
	if err != nil {
		c.Fatal(err)
	}
	c.last = plan
	writes := []func(){
		func() { c.signer, c.state.Bundle = signer, plan.Bundle },
		func() { c.writeServing(plan.Serving) },
		func() { c.state.Record = plan.Record },
	}
	for _, registered := range c.apiServices {
		writes = append(writes, func() { c.publish(registered, plan.Bundle) })
	}
	for i, write := range writes {
		if crashAfter > 0 && i >= crashAfter {
			return
		}
		write()
	}
}

// wanted returns the operator's own certificate, or the provided one.
func (c *cluster) wanted(now time.Time) (pki.KeyPair, Desired) {
	c.Helper()
	if c.provided != nil {
		return pki.KeyPair{}, Provided(c.state.Serving, c.provided.serving, c.provided.authorities, host)
	}
	signer, want, err := Managed(c.signer, c.state.Serving, c.request, now)
	if err != nil {
		c.Fatal(err)
	}
	return signer, want
}

// provide provides a certificate from another CA.
func (c *cluster) provide() {
	c.Helper()
	signer, want, err := Managed(pki.KeyPair{}, pki.KeyPair{}, c.request, c.now)
	if err != nil {
		c.Fatal(err)
	}
	serving, err := signer.IssueServing([]string{host}, c.now, c.request.Validity)
	if err != nil {
		c.Fatal(err)
	}
	c.provided = &provided{serving, want.Authorities}
}

func (c *cluster) observe() Observed {
	seen := Observed{}
	for _, registered := range c.apiServices {
		seen.CABundles = append(seen.CABundles, registered.published)
	}
	seen.Pods = func() []Pod {
		var pods []Pod
		for _, p := range c.pods {
			if p.unreachable {
				pods = append(pods, Pod{Name: p.name, Err: errors.New("connection refused")})
				continue
			}
			pods = append(pods, Pod{Name: p.name, Chain: []*x509.Certificate{p.serving}})
		}
		return pods
	}
	return seen
}

func (c *cluster) writeServing(serving pki.KeyPair) {
	if string(serving.Certificate) == string(c.state.Serving.Certificate) {
		return
	}
	c.state.Serving = serving
	for _, p := range c.pods {
		delay := 150 * time.Second // the kubelet's and the server's
		if p.unreachable {
			delay = UnreachableDwell - time.Minute
		}
		if !p.neverReloads {
			p.mounts = append(p.mounts, c.now.Add(c.upTo(delay)))
		}
	}
}

func (c *cluster) stored() *x509.Certificate {
	certificates, err := cert.ParseCertsPEM(c.state.Serving.Certificate)
	if err != nil {
		return nil
	}
	return certificates[0]
}

func (c *cluster) publish(registered *apiService, bundle []byte) {
	if string(registered.published) == string(bundle) {
		return
	}
	registered.published = bundle
	for i, pending := range registered.loads {
		at := c.now.Add(c.upTo(TrustDwell - time.Minute))
		if len(pending) > 0 && pending[len(pending)-1].at.After(at) {
			at = pending[len(pending)-1].at
		}
		registered.loads[i] = append(pending, load{at, bundle})
	}
}

func (c *cluster) startPod() {
	if leaf := c.stored(); leaf != nil {
		kind := c.random.IntN(10)
		c.pods = append(c.pods, &pod{
			name: fmt.Sprint("pod-", c.random.IntN(1000)), serving: leaf, neverReloads: kind == 0, unreachable: kind == 1,
		})
	}
}

// pass advances the time in small steps, and checks at each that no request would be lost.
func (c *cluster) pass(duration time.Duration) {
	c.Helper()
	const step = 5 * time.Second
	for end := c.now.Add(duration); c.now.Before(end); {
		c.now = c.now.Add(step)
		for _, registered := range c.apiServices {
			for i := range registered.loads {
				for len(registered.loads[i]) > 0 && !registered.loads[i][0].at.After(c.now) {
					registered.loaded[i], registered.loads[i] = registered.loads[i][0].bundle, registered.loads[i][1:]
				}
			}
		}
		for _, p := range c.pods {
			due := slices.ContainsFunc(p.mounts, func(at time.Time) bool { return !at.After(c.now) })
			p.mounts = slices.DeleteFunc(p.mounts, func(at time.Time) bool { return !at.After(c.now) })
			if stored := c.stored(); due && stored != nil {
				p.serving = stored
			}
		}
		c.assertNoRequestIsLost()
	}
}

func (c *cluster) assertNoRequestIsLost() {
	c.Helper()
	for _, registered := range c.apiServices {
		for i, bundle := range registered.loaded {
			for _, p := range c.pods {
				if !c.trusts(bundle, p.serving) {
					c.Fatalf("at %s kube-apiserver %d does not trust what %s serves; the last plan waited for %q (%s)",
						c.now, i, p.name, c.last.Waiting, c.last.Record.Phase)
				}
			}
		}
	}
}

// trusts caches its results: signatures are slow to verify.
func (c *cluster) trusts(bundle []byte, leaf *x509.Certificate) bool {
	key := string(bundle) + string(leaf.Raw)
	answer, known := c.verified[key]
	if !known {
		authorities, err := cert.ParseCertsPEM(bundle)
		answer = err == nil && slices.ContainsFunc(authorities, func(authority *x509.Certificate) bool {
			return leaf.CheckSignatureFrom(authority) == nil
		})
		c.verified[key] = answer
	}
	return answer
}

func (c *cluster) upTo(limit time.Duration) time.Duration {
	return time.Duration(c.random.Int64N(int64(limit)))
}
