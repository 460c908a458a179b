// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// NextTrust plans a change of the CAs that clients trust where another owner replaces the serving certificate, at a
// time that is not known: of want, only host and CAs are used. CAs that were trusted before stay trusted until every
// kube-apiserver has loaded the wanted ones, and every replica serves a certificate of these.
func NextTrust(stored State, want Desired, seen Observed, now time.Time) (Plan, error) {
	return run(stored, want, seen, now, (*planner).awaitTrust, (*planner).awaitVerified, (*planner).dropTrust)
}

// awaitTrust waits until every kube-apiserver trusts the wanted CAs, where anything else was trusted before.
func (p *planner) awaitTrust() (done bool, err error) {
	if p.plan.Record.Served != fingerprintOf(p.want) {
		p.plan.Record.Served = "" // a change that is undone midway is a change, too
	}
	return !p.isExtended() || p.isTrustLoaded("earlier CAs that no replica needs are trusted at least until"), nil
}

// awaitVerified waits until no replica serves a certificate that only earlier CAs verify.
func (p *planner) awaitVerified() (done bool, err error) {
	served := fingerprintOf(p.want)
	if p.isExtended() && p.plan.Record.Served != served {
		p.enter(v1alpha1.RotationAwaitingServed)
		if p.waitFor("replicas", "serve a certificate of a CA in the new bundle", p.isOfEarlierCA) {
			return false, nil
		}
	}
	p.plan.Record.Served = served
	return true, nil
}

// isExtended reports whether clients trust more than the wanted CAs.
func (p *planner) isExtended() bool {
	return len(p.seen.CABundles) > 0 && len(p.trusted) > len(p.want.Authorities)
}

func (p *planner) isOfEarlierCA(pod Pod) bool {
	return p.isTrusted(pod) && pki.Verify(pod.Chain, p.want.Authorities, p.want.Host, p.now) != nil
}

// fingerprintOf identifies the wanted CAs, in whatever order they are.
func fingerprintOf(want Desired) string {
	var fingerprints []string
	for _, authority := range want.Authorities {
		fingerprints = append(fingerprints, pki.Fingerprint(authority))
	}
	slices.Sort(fingerprints)
	sum := sha256.Sum256([]byte(strings.Join(fingerprints, " ")))
	return hex.EncodeToString(sum[:])
}
