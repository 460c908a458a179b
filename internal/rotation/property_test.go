// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// From any reachable state, no request is lost, and every change completes.
func TestNoSequenceOfEventsLosesARequest(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newCluster(t, seed)
			backup := *c
			for range 60 {
				if c.random.IntN(15) == 0 {
					backup = *c
				}
				c.disturb(backup)
				crashAfter, reissues := c.random.IntN(7), c.mustReissue()
				c.operate(crashAfter)
				if reissues && crashAfter == 0 && c.stored() == nil {
					c.Fatalf("the lost serving certificate is not reissued: the plan waits for %s", c.last.Waiting)
				}
				c.pass(c.upTo(90 * time.Second))
			}
			c.settle()
		})
	}
}

// mustReissue reports whether the serving certificate is lost, and every Pod serves one of the CA that will issue the
// next one, which every APIService has.
func (c *cluster) mustReissue() bool {
	if c.stored() != nil || c.provided != nil || len(c.pods) == 0 {
		return false
	}
	_, want := c.wanted(c.now)
	issuer := want.Authorities[0]
	return !slices.ContainsFunc(c.pods, func(p *pod) bool {
		return p.unreachable || p.serving.CheckSignatureFrom(issuer) != nil
	}) && !slices.ContainsFunc(c.apiServices, func(registered *apiService) bool {
		return !c.trusts(registered.published, c.pods[0].serving)
	})
}

// disturb simulates a random event in a cluster.
func (c *cluster) disturb(backup cluster) {
	switch c.random.IntN(20) {
	case 0:
		c.request.RotateCAAfter = c.now.Truncate(time.Second)
	case 1:
		c.request.RotateServingAfter = c.now.Truncate(time.Second)
	case 2: // the Secret with the CA is deleted
		c.signer, c.state.Record, c.state.Bundle = pki.KeyPair{}, Record{}, nil
	case 3: // the record is emptied
		c.state.Record = Record{}
	case 4: // the Secret with the serving certificate is deleted; Pods keep their certificates
		if len(c.pods) > 0 {
			c.state.Serving = pki.KeyPair{}
		}
	case 5:
		c.startPod()
	case 6:
		if len(c.pods) > 2 {
			c.pods = slices.Delete(c.pods, 0, 1)
		}
	case 7:
		c.now = c.now.Add(-c.upTo(10 * time.Second)) // the clock is set back
	case 8: // the bundle is corrupted
		c.state.Bundle = []byte("garbage")
	case 9: // an older CA is restored
		c.signer, c.state.Record, c.state.Bundle = backup.signer, Record{}, backup.state.Bundle
	case 10:
		c.provide()
	case 11: // the operator issues certificates again
		c.provided = nil
	case 12: // scaled to zero, only if the Secret exists: without both, no certificate could be served
		if c.stored() != nil {
			c.pods = nil
		}
	case 13: // further clients use another name; the CA issues for the wanted names only
		c.request.DNSNames = [][]string{{host}, {host, "api.example.com"}}[c.random.IntN(2)]
	case 14:
		c.request.KeyAlgorithm = []v1alpha1.KeyAlgorithm{v1alpha1.KeyECDSA256, v1alpha1.KeyECDSA384}[c.random.IntN(2)]
	}
}

// settle removes the servers that never reload a certificate, and expects every change to complete.
func (c *cluster) settle() {
	c.Helper()
	c.pods = slices.DeleteFunc(c.pods, func(p *pod) bool { return p.neverReloads })
	for range 100 {
		c.operate(0)
		c.pass(max(c.last.CheckAfter, 30*time.Second))
	}
	if c.last.Waiting != "" {
		c.Fatalf("the change does not complete: it waits for %s", c.last.Waiting)
	}
	for _, registered := range c.apiServices {
		if trusted, err := cert.ParseCertsPEM(registered.published); err != nil || len(trusted) != 1 {
			c.Errorf("in the end %d CAs are trusted (%v), want 1", len(trusted), err)
		}
	}
	for _, p := range c.pods {
		if !p.serving.Equal(c.stored()) {
			c.Errorf("in the end Pod %s does not serve the stored certificate", p.name)
		}
	}
	if _, want := c.wanted(c.now); want.Replace != "" {
		c.Errorf("in the end the certificate is not the wanted one: %s", want.Replace)
	}
}
