// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// trustedCluster is a cluster whose serving certificates another owner replaces.
type trustedCluster struct {
	*cluster
	// source is the bundle that this owner keeps.
	source []byte
	issuer pki.KeyPair
}

// newTrustedCluster returns a settled cluster of two Pods.
func newTrustedCluster(t *testing.T, seed uint64) *trustedCluster {
	t.Helper()
	c := &trustedCluster{cluster: newCluster(t, seed)}
	c.pods, c.state = nil, State{}
	c.replaceCA()
	for i := range 2 {
		c.pods = append(c.pods, &pod{name: fmt.Sprint("pod-", i), serving: c.leaf()})
	}
	for _, registered := range c.apiServices {
		registered.published, registered.loaded = c.source, [2][]byte{c.source, c.source}
	}
	c.operate()
	if c.last.Waiting != "" {
		t.Fatalf("a new bundle waits for %s", c.last.Waiting)
	}
	return c
}

// replaceCA puts another CA into the source.
func (c *trustedCluster) replaceCA() {
	c.Helper()
	var err error
	if c.issuer, err = pki.NewSigner("authority", c.now.Add(-time.Hour), 1000*time.Hour); err != nil {
		c.Fatal(err)
	}
	c.source = c.issuer.Certificate
}

// leaf returns a serving certificate of the CA in the source.
func (c *trustedCluster) leaf() *x509.Certificate {
	c.Helper()
	serving, err := c.issuer.IssueServing([]string{host}, c.now.Add(-time.Hour), 999*time.Hour)
	if err != nil {
		c.Fatal(err)
	}
	chain, err := cert.ParseCertsPEM(serving.Certificate)
	if err != nil {
		c.Fatal(err)
	}
	return chain[0]
}

// operate runs one reconciliation.
func (c *trustedCluster) operate() {
	c.Helper()
	authorities, err := pki.ParseSource(c.source, c.now)
	if err != nil {
		c.Fatal(err)
	}
	plan, err := NextTrust(c.state, Desired{Host: host, Authorities: authorities}, c.observe(), c.now)
	if err != nil {
		c.Fatal(err)
	}
	c.last, c.state = plan, plan.State
	for _, registered := range c.apiServices {
		c.publish(registered, plan.Bundle)
	}
}

// operateFor reconciles every 15 seconds, and lets each Pod of changes serve a certificate at its time.
func (c *trustedCluster) operateFor(duration time.Duration, changes map[*pod]time.Time, to *x509.Certificate) {
	c.Helper()
	for end := c.now.Add(duration); c.now.Before(end); {
		for pod, at := range changes {
			if !c.now.Before(at) {
				pod.serving = to
			}
		}
		c.operate()
		c.pass(15 * time.Second)
	}
}

func (c *trustedCluster) expectTrusted(want int) {
	c.Helper()
	for _, registered := range c.apiServices {
		if trusted, err := cert.ParseCertsPEM(registered.published); err != nil || len(trusted) != want {
			c.Errorf("%d CAs are trusted (%v), want %d; the plan waits for %q", len(trusted), err, want, c.last.Waiting)
		}
	}
}

func TestNoRequestIsLostWhileReplicasChangeTheirCertificatesAtDifferentTimes(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c := newTrustedCluster(t, seed)
			changes := map[*pod]time.Time{}
			c.replaceCA()
			for _, p := range c.pods {
				// A certificate that is served before kube-apiserver can know its CA is out of the operator's hands.
				changes[p] = c.now.Add(TrustDwell + c.upTo(20*time.Minute))
			}
			c.operateFor(30*time.Minute, changes, c.leaf())
			if c.last.Waiting != "" {
				t.Errorf("it does not complete: it waits for %s", c.last.Waiting)
			}
			c.expectTrusted(1)
		})
	}
}

func TestTheEarlierCAIsTrustedAsLongAsKubeAPIServerTakesToLoadTheNewOne(t *testing.T) {
	c := newTrustedCluster(t, 1)
	c.replaceCA()
	to := c.leaf()
	var phases []Phase
	changed := false
	for range 20 {
		c.operate()
		if phase := c.last.Record.Phase; len(phases) == 0 || phases[len(phases)-1] != phase {
			phases = append(phases, phase)
		}
		if c.last.Record.Phase == v1alpha1.RotationAwaitingTrust {
			c.expectTrusted(2)
		}
		if c.last.Record.Phase == v1alpha1.RotationAwaitingServed && !changed {
			c.expectTrusted(2)
			c.pods[0].serving, c.pods[1].serving, changed = to, to, true
		}
		c.pass(15 * time.Second)
	}
	want := []Phase{
		v1alpha1.RotationPublishingTrust, v1alpha1.RotationAwaitingTrust, v1alpha1.RotationAwaitingServed,
		v1alpha1.RotationDroppingTrust, "",
	}
	if !slices.Equal(phases, want) {
		t.Errorf("the phases are %q, want %q", phases, want)
	}
}

func TestAnEarlierCAIsNamedThatAReplicaStillNeeds(t *testing.T) {
	c := newTrustedCluster(t, 1)
	c.replaceCA()
	c.operateFor(2*UnreachableDwell, map[*pod]time.Time{c.pods[0]: c.now.Add(TrustDwell)}, c.leaf())
	if !c.last.Stuck || !strings.HasSuffix(c.last.Waiting, "a CA in the new bundle: pod-1") {
		t.Errorf("stuck: %v, the plan waits for %q", c.last.Stuck, c.last.Waiting)
	}
	c.expectTrusted(2)
}

func TestAReplicaThatCannotBeReachedIsAssumedToServeANewCertificateAfterSomeTime(t *testing.T) {
	c := newTrustedCluster(t, 1)
	c.replaceCA()
	c.pods[1].unreachable = true
	c.operateFor(UnreachableDwell-time.Minute, map[*pod]time.Time{
		c.pods[0]: c.now.Add(TrustDwell), c.pods[1]: c.now.Add(TrustDwell),
	}, c.leaf())
	c.expectTrusted(2)
	c.operateFor(UnreachableDwell, nil, nil)
	c.expectTrusted(1)
	if c.last.Waiting != "" {
		t.Errorf("it waits for %s", c.last.Waiting)
	}
}

// The replicas may have begun to serve certificates of the other CA meanwhile.
func TestAChangeThatIsUndoneMidwayIsAChangeToo(t *testing.T) {
	c := newTrustedCluster(t, 1)
	earlier := c.source
	c.replaceCA()
	changes := map[*pod]time.Time{c.pods[0]: c.now.Add(TrustDwell)}
	c.operateFor(2*TrustDwell, changes, c.leaf())
	c.source = earlier
	c.operateFor(TrustDwell, nil, nil)
	c.expectTrusted(2)
}

func TestACAThatIsRegisteredAlreadyStaysTrustedWhileAReplicaMayNeedIt(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*trustedCluster)
		want   int
	}{
		"a replica needs it":        {func(*trustedCluster) {}, 2},
		"a replica is unreachable":  {func(c *trustedCluster) { c.pods[0].unreachable = true }, 2},
		"no replica needs it":       {func(c *trustedCluster) { c.pods = nil }, 1},
		"nothing is registered yet": {func(c *trustedCluster) { c.apiServices = nil }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTrustedCluster(t, 1)
			c.state = State{}
			c.replaceCA()
			test.change(c)
			c.operate()
			if got := len(c.last.certificates(t)); got != test.want {
				t.Errorf("%d CAs are stored, want %d", got, test.want)
			}
		})
	}
}

func (p Plan) certificates(t *testing.T) []*x509.Certificate {
	t.Helper()
	certificates, err := cert.ParseCertsPEM(p.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	return certificates
}

func TestAnExpiredCAIsDropped(t *testing.T) {
	c := newTrustedCluster(t, 1)
	short, err := pki.NewSigner("short", c.now.Add(-time.Hour), 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c.source = slices.Concat(c.source, short.Certificate)
	c.operate()
	c.expectTrusted(2)
	c.pass(2 * time.Hour)
	c.operate()
	c.expectTrusted(1)
}
