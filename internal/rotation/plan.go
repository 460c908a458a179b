// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const (
	// recheckAfter is the time between two checks of what sends no events.
	recheckAfter = 3 * time.Second
	// recheckAfterWhenStuck is longer: a user has to act first.
	recheckAfterWhenStuck = time.Minute
)

// Next plans as many steps as possible without losing a request.
func Next(stored State, want Desired, seen Observed, now time.Time) (Plan, error) {
	return run(stored, want, seen, now, (*planner).replaceServing, (*planner).awaitServed, (*planner).dropTrust)
}

func run(
	stored State, want Desired, seen Observed, now time.Time, steps ...func(*planner) (done bool, err error),
) (Plan, error) {
	p := &planner{want: want, seen: seen, now: now, plan: Plan{State: stored}}
	p.trusted = pki.Extend(want.Authorities, stored.Bundle, now)
	p.keepNeeded()
	p.announce()
	for _, step := range steps {
		done, err := step(p)
		if err != nil {
			return Plan{}, err
		}
		if !done {
			break
		}
	}
	if p.plan.Waiting == "" {
		p.plan.Record.Phase, p.plan.Record.Since = "", time.Time{}
	}
	var err error
	p.plan.Bundle, err = cert.EncodeCertificates(p.trusted...)
	return p.plan, err
}

type planner struct {
	want Desired
	seen Observed
	now  time.Time
	// trusted becomes the bundle.
	trusted []*x509.Certificate
	plan    Plan
}

// keepNeeded adds the CAs that kube-apiserver trusts and a Pod needs, or may need, although they are not stored: the
// stored bundle may be lost, damaged, or an older one from a backup. A CA that no Pod needs was added by another
// client.
func (p *planner) keepNeeded() {
	registered := pki.Extend(p.trusted, slices.Concat(p.seen.CABundles...), p.now)[len(p.trusted):]
	if len(registered) == 0 {
		return
	}
	for _, pod := range p.answering() {
		for _, authority := range registered {
			needed := pod.Err != nil || pki.Verify(pod.Chain, []*x509.Certificate{authority}, p.want.Host, p.now) == nil
			if needed && !slices.ContainsFunc(p.trusted, authority.Equal) {
				p.trusted = append(p.trusted, authority)
			}
		}
	}
}

// announce records since when every APIService has had each wanted CA. One that was removed from an APIService starts
// again.
func (p *planner) announce() {
	announced := map[string]time.Time{}
	for _, authority := range p.want.Authorities {
		if !p.isPublished(authority) {
			continue
		}
		name := pki.Fingerprint(authority)
		since, known := p.plan.Record.Announced[name]
		if !known || since.After(p.now) {
			since = p.now
		}
		announced[name] = since
	}
	p.plan.Record.Announced = announced
}

// isPublished reports whether there are APIServices and all of them have the CA.
func (p *planner) isPublished(authority *x509.Certificate) bool {
	return len(p.seen.CABundles) > 0 && !slices.ContainsFunc(p.seen.CABundles, func(bundle []byte) bool {
		certificates, _ := cert.ParseCertsPEM(bundle)
		return !slices.ContainsFunc(certificates, authority.Equal)
	})
}

// replacedAt introduces the time at which the serving certificate can be replaced.
const replacedAt = "the serving certificate is replaced at"

// replaceServing stores the wanted serving certificate once kube-apiserver trusts it.
func (p *planner) replaceServing() (done bool, err error) {
	if p.want.Replace == "" {
		return true, nil
	}
	var served []*x509.Certificate
	if p.losesRequests() {
		// No key is generated in vain while kube-apiserver loads the CA.
		if served = p.servedIssuers(); len(served) == 0 && !p.isTrustLoaded(replacedAt) {
			return false, nil
		}
	}
	replacement, err := p.want.Issue()
	if err != nil {
		return false, err
	}
	if len(served) > 0 && !p.isIssuedBy(served, replacement) && !p.isTrustLoaded(replacedAt) {
		return false, nil
	}
	p.plan.Serving = replacement
	p.plan.Replaced = p.want.Replace
	p.plan.Record.Phase, p.plan.Record.Since = v1alpha1.RotationAwaitingServed, p.now
	return true, nil
}

// servedIssuers returns the wanted CAs that every APIService has, and one of whose certificates every Pod serves that
// serves a trusted one. No request is lost by a replacement that one of them issued, however new the registration is.
func (p *planner) servedIssuers() []*x509.Certificate {
	pods := p.answering()
	return slices.DeleteFunc(slices.Clone(p.want.Authorities), func(issuer *x509.Certificate) bool {
		return !p.isPublished(issuer) || slices.ContainsFunc(pods, func(pod Pod) bool {
			return pod.Err != nil || p.isTrusted(pod) && !p.issued(issuer, pod.Chain)
		})
	})
}

func (p *planner) isIssuedBy(issuers []*x509.Certificate, serving pki.KeyPair) bool {
	chain, err := cert.ParseCertsPEM(serving.Certificate)
	isIssuer := func(issuer *x509.Certificate) bool { return p.issued(issuer, chain) }
	return err == nil && slices.ContainsFunc(issuers, isIssuer)
}

func (p *planner) issued(issuer *x509.Certificate, chain []*x509.Certificate) bool {
	return pki.Verify(chain, []*x509.Certificate{issuer}, p.want.Host, p.now) == nil
}

// losesRequests reports whether a certificate that is not trusted yet could lose requests: there are APIServices, and a
// Pod serves a trusted certificate, or would serve one if it started now. A Pod that cannot be reached is assumed to do
// so.
func (p *planner) losesRequests() bool {
	if len(p.seen.CABundles) == 0 {
		return false
	}
	return slices.ContainsFunc(p.answering(), func(pod Pod) bool {
		return pod.Err != nil || p.isTrusted(pod)
	})
}

// answering returns the observed Pods, and one that would start now, which serves the stored certificate.
func (p *planner) answering() []Pod {
	stored, _ := cert.ParseCertsPEM(p.plan.Serving.Certificate)
	return append(p.seen.Pods(), Pod{Chain: stored})
}

func (p *planner) isTrusted(pod Pod) bool {
	return pki.Verify(pod.Chain, p.trusted, p.want.Host, p.now) == nil
}

// isTrustLoaded reports whether every kube-apiserver must have loaded the wanted CAs by now, and otherwise sets what to
// wait for, and next, which the time follows.
func (p *planner) isTrustLoaded(next string) bool {
	if !p.isTrustPublished() {
		return false
	}
	loaded := time.Time{}
	for _, since := range p.plan.Record.Announced {
		if trusted := since.Add(p.dwell()); trusted.After(loaded) {
			loaded = trusted
		}
	}
	if p.now.Before(loaded) {
		p.wait(v1alpha1.RotationAwaitingTrust, loaded.Sub(p.now),
			"every kube-apiserver to load the new CA", next+" "+pki.Timestamp(loaded))
		return false
	}
	return true
}

// isTrustPublished reports whether every APIService has the wanted CAs, and otherwise sets what to wait for.
func (p *planner) isTrustPublished() bool {
	for _, authority := range p.want.Authorities {
		if _, published := p.plan.Record.Announced[pki.Fingerprint(authority)]; !published && len(p.seen.CABundles) > 0 {
			p.wait(v1alpha1.RotationPublishingTrust, recheckAfter,
				"the new CA to be in the caBundle of every APIService",
				fmt.Sprintf("every kube-apiserver has %s to load it", p.dwell()))
			return false
		}
	}
	return true
}

func (p *planner) dwell() time.Duration {
	return max(TrustDwell, trustDwellEach*time.Duration(len(p.seen.CABundles)))
}

// awaitServed waits until every Pod serves the stored certificate.
func (p *planner) awaitServed() (done bool, err error) {
	chain, err := cert.ParseCertsPEM(p.plan.Serving.Certificate)
	if err != nil {
		return false, fmt.Errorf("serving certificate: %w", err)
	}
	served := pki.Fingerprint(chain[0])
	if p.plan.Record.Served == served {
		return true, nil
	}
	p.enter(v1alpha1.RotationAwaitingServed)
	isBehind := func(pod Pod) bool { return p.isBehind(pod, chain[0]) }
	if p.waitFor("Pods", "serve the new certificate, which the kubelet updates within 90s", isBehind) {
		return false, nil
	}
	p.plan.Record.Served = served
	return true, nil
}

// waitFor reports whether a replica is behind, or may be, and sets what to wait for: that replicas do something.
func (p *planner) waitFor(replicas, do string, isBehind func(Pod) bool) bool {
	var behind, unseen []string
	for _, pod := range p.seen.Pods() {
		switch {
		case pod.Err != nil:
			unseen = append(unseen, fmt.Sprintf("%s (%v)", pod.Name, pod.Err))
		case isBehind(pod):
			behind = append(behind, pod.Name)
		}
	}
	slices.Sort(behind) // stable messages
	slices.Sort(unseen)
	overdue := p.plan.Record.Since.Add(UnreachableDwell)
	var waiting []string
	if len(behind) > 0 {
		waiting = append(waiting, fmt.Sprintf("%s to %s: %s", replicas, do, strings.Join(behind, ", ")))
	}
	if len(unseen) > 0 && p.now.Before(overdue) {
		waiting = append(waiting, fmt.Sprintf("%s whose served certificate cannot be read: %s; they are assumed to serve "+
			"the new certificate at %s", replicas, strings.Join(unseen, ", "), pki.Timestamp(overdue)))
	}
	if len(waiting) == 0 {
		return false
	}
	p.wait(v1alpha1.RotationAwaitingServed, recheckAfter, strings.Join(waiting, ", and "),
		"CAs that none of them needs any more are no longer trusted")
	return true
}

// isBehind reports whether a Pod serves a trusted certificate, but not the new one, or not with the intermediates that
// verification against the wanted CAs needs.
func (p *planner) isBehind(pod Pod, leaf *x509.Certificate) bool {
	return p.isTrusted(pod) && (!pod.Chain[0].Equal(leaf) ||
		pki.Verify(pod.Chain, p.want.Authorities, p.want.Host, p.now) != nil)
}

// dropTrust keeps only the wanted CAs, once they are trusted everywhere.
func (p *planner) dropTrust() (done bool, err error) {
	if !p.isTrustPublished() {
		return false, nil
	}
	p.trusted = p.want.Authorities
	for _, bundle := range p.seen.CABundles {
		if carried, _ := cert.ParseCertsPEM(bundle); !pki.ContainsAll(p.trusted, carried) {
			p.wait(v1alpha1.RotationDroppingTrust, recheckAfter,
				"the old CA to be removed from the caBundle of every APIService",
				"the rotation is complete")
			return false, nil
		}
	}
	return true, nil
}

func (p *planner) wait(phase Phase, checkAfter time.Duration, what, next string) {
	p.enter(phase)
	p.plan.Waiting, p.plan.Next, p.plan.CheckAfter = what, next, checkAfter
	if !p.now.Before(p.plan.Record.Since.Add(UnreachableDwell)) {
		p.plan.Stuck, p.plan.CheckAfter = true, recheckAfterWhenStuck
	}
}

// enter keeps when the phase began, unless the clock was set back to before that.
func (p *planner) enter(phase Phase) {
	if p.plan.Record.Phase != phase || p.plan.Record.Since.After(p.now) {
		p.plan.Record.Phase, p.plan.Record.Since = phase, p.now
	}
}
