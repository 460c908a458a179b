// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"slices"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Finding is what a Picture shows.
type Finding struct {
	// Reason is one of DiscoveryWithinLimit.
	Reason  string
	Message string
	// Again is when to look anew although nothing may have changed until then, 0 for never.
	Again time.Duration
}

func found(reason, format string, args ...any) Finding {
	return Finding{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Judge names the cause where it can be told, and the culprit.
func Judge(p Picture) Finding {
	if !p.Registered {
		return found(v1alpha1.ReasonNotAvailable, "%s is not registered, see Registered", p.Name)
	}
	return p.judge()
}

// judge tells what clients suffer from before what only the operator cannot see.
func (p Picture) judge() Finding {
	bad, good := ofStanding(p.Replicas, Bad), ofStanding(serving(p.Replicas), Good)
	if p.hasConnectedAnew() {
		bad = serving(bad)
	}
	known, blind := p.throughBad()
	switch {
	case p.Available && len(known) == 0:
		return p.judgeServed(bad, good, blind)
	case len(bad) > 0:
		return p.judgeReplicas(bad, good)
	}
	if left := p.blamelessFor(); left > 0 {
		waiting := p.waiting()
		waiting.Again = left
		return waiting
	}
	if len(known) > 0 {
		return p.judgeThrough(known, good)
	}
	return p.judgeUnavailable(good)
}

// blamelessFor is how long to wait until what lies between kube-apiserver and the replicas is blamed: a replica may
// only just have turned bad, or left with kube-apiserver still connected to it.
func (p Picture) blamelessFor() time.Duration {
	for _, replica := range serving(p.Replicas) {
		if !replica.isNotAsked() && replica.Last.isBad(p.Policy.Limit) {
			return p.Policy.Interval
		}
	}
	return p.ConnectsAnew.Add(recheckedWithin).Sub(p.Now)
}

// hasConnectedAnew tells whether kube-apiserver must have left the replicas that get no requests.
func (p Picture) hasConnectedAnew() bool { return !p.ConnectsAnew.Add(recheckedWithin).After(p.Now) }

// judgeServed speaks of what clients get well, as far as it can be told.
func (p Picture) judgeServed(bad, good []ReplicaSubject, blind []Subject) Finding {
	switch {
	case len(good) == 0 && allUnreachable(bad):
		return p.judgeUnseen(bad)
	case len(serving(bad)) > 0:
		return p.judgeReplicas(bad, good)
	case len(blind) > 0:
		return p.judgeThrough(blind, good)
	default:
		return p.judgeGood()
	}
}

// throughBad returns the kube-apiservers whose bad answers say something of what clients get, and the others.
func (p Picture) throughBad() (known, blind []Subject) {
	for _, subject := range ofStanding(p.KubeAPIServers, Bad) {
		if IsKnown(causeThrough(subject.Worst).reason) {
			known = append(known, subject)
		} else {
			blind = append(blind, subject)
		}
	}
	return known, blind
}

// judgeUnseen speaks of replicas that serve, though the operator cannot see how well.
func (p Picture) judgeUnseen(replicas []ReplicaSubject) Finding {
	return found(v1alpha1.ReasonOperatorBlocked, "%s is available, but the operator itself reaches no replica: %s: %v; "+
		"requests are served, but a slow replica could not be told; let the operator through to the Pods in network policies",
		p.Name, replicas[0].Name, replicas[0].Worst.Err)
}

func allUnreachable(bad []ReplicaSubject) bool {
	reached := func(s ReplicaSubject) bool { return ClassOf(s.Worst) != ClassUnreachable }
	return len(bad) > 0 && !slices.ContainsFunc(bad, reached)
}

func (p Picture) judgeGood() Finding {
	for _, replica := range serving(p.Replicas) {
		if replica.isNotAsked() {
			return found(v1alpha1.ReasonProbeNotPossible, "%s: the operator cannot ask %s: %v; requests are served, but a slow "+
				"replica could not be told", p.Name, replica.Name, replica.Worst.Err)
		}
	}
	if finding, doubted := p.judgeAggregated(); doubted {
		return finding
	}
	if p.isUnsettled() {
		return p.waiting()
	}
	if finding, worthKnowing := p.judgeWorthKnowing(); worthKnowing {
		return finding
	}
	return found(v1alpha1.ReasonWithinLimit, "every group-version answers discovery within %s", p.Policy.Limit)
}

// judgeWorthKnowing speaks of what may become trouble for clients, but is none yet.
func (p Picture) judgeWorthKnowing() (finding Finding, worthKnowing bool) {
	for _, replica := range p.Replicas {
		switch {
		case replica.Ejected:
			return found(v1alpha1.ReasonReplicaEjected, "%s is within its limit since %s gets no requests any more (%s); look "+
				"at the Pod, which is kept for that, or delete it to have it replaced",
				p.Name, replica.Name, replica.Why), true
		case replica.OpenAPI.Standing == Bad:
			return found(v1alpha1.ReasonOpenAPISlow, "%s: GET /openapi/v3 at %s: %s (limit %s); while kube-apiserver downloads "+
				"it, everybody waits who reads OpenAPI from the cluster, such as kubectl apply and kubectl explain",
				p.Name, replica.Name, replica.OpenAPI.Worst.outcome(), AggregatorTimeout), true
		}
	}
	asked := slices.Clone(p.KubeAPIServers)
	for _, replica := range p.Replicas {
		asked = append(asked, replica.Subject)
	}
	for _, subject := range asked {
		if subject.Near {
			return found(v1alpha1.ReasonNearLimit, "%s answers in %s at %s, which is near the limit of %s",
				p.Name, told(subject.Answered), subject.Name, p.Policy.Limit), true
		}
	}
	return Finding{}, false
}

// judgeAggregated speaks of what kube-apiserver tells all clients of the group-version in its own discovery.
func (p Picture) judgeAggregated() (finding Finding, doubted bool) {
	for _, replica := range serving(p.Replicas) {
		if replica.leavesOut(p) {
			return found(v1alpha1.ReasonLeftOutOfDiscovery, "%s is left out of GET /apis by %s, which serves it "+
				"(resources: %d): kube-apiserver takes the group-version for empty, and namespace deletion leaves its objects "+
				"behind; correct the server, whose /apis and /apis/%s differ",
				p.Name, replica.Name, replica.Told.Resources, p.GroupVersion), true
		}
	}
	if len(p.Empty) > 0 {
		return found(v1alpha1.ReasonEmpty, "%s is empty for kube-apiserver %s, although the replicas answer with resources; "+
			"until it is not, namespace deletion leaves its objects behind; look at what the server answers to GET /apis",
			p.Name, p.Empty[0]), true
	}
	if len(p.Stale) > 0 {
		if left := p.goodSince().Add(freshAgainWithin).Sub(p.Now); left > 0 {
			waiting := p.waiting()
			waiting.Again = left
			return waiting, true
		}
		return found(v1alpha1.ReasonStale, "%s is marked Stale by kube-apiserver %s although it answers: kube-apiserver "+
			"gets no answer to GET /apis within %s, which it asks for each minute; %s",
			p.Name, p.Stale[0], AggregatorTimeout, staleHurts), true
	}
	return Finding{}, false
}

// freshAgainWithin is how soon a recovery shows in aggregated discovery: kube-apiserver asks each minute, and the
// operator looks each 30 seconds.
const freshAgainWithin = 100 * time.Second

func (p Picture) waiting() Finding {
	return found(v1alpha1.ReasonProbing, "waiting until several answers in a row of %s say the same", p.Name)
}

// goodSince is when the last of all that is asked became good.
func (p Picture) goodSince() time.Time {
	var since time.Time
	for _, replica := range serving(p.Replicas) {
		for _, record := range []Record{replica.Record, replica.APIs} {
			if record.Since.After(since) {
				since = record.Since
			}
		}
	}
	return since
}

const staleHurts = "while it is Stale, no namespace of the cluster can be deleted, and Helm and kubectl see errors"

// leavesOut tells whether a replica says less of the group-version in its aggregated discovery than when it is asked.
func (s ReplicaSubject) leavesOut(p Picture) bool {
	return slices.Contains(s.APIs.LeftOut, p.GroupVersion) && s.Told.Resources > 0
}

// isUnsettled tells whether anybody who serves is not known to be good.
func (p Picture) isUnsettled() bool {
	through := ofStanding(p.KubeAPIServers, Good)
	replicas := serving(p.Replicas)
	return len(through) == 0 || len(through) < len(p.KubeAPIServers) || len(ofStanding(replicas, Good)) < len(replicas)
}

func serving(replicas []ReplicaSubject) []ReplicaSubject {
	return slices.DeleteFunc(slices.Clone(replicas), func(s ReplicaSubject) bool { return s.Ejected })
}
