// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"slices"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Finding is the result of judging a GroupVersionState.
type Finding struct {
	// Reason is a reason of condition DiscoveryWithinLimit.
	Reason  string
	Message string
	// Recheck is after how long to judge again even if nothing has changed, 0 for never.
	Recheck time.Duration
}

func found(reason, format string, args ...any) Finding {
	return Finding{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Judge returns the cause, where it can be determined, and names the component at fault.
func Judge(p GroupVersionState) Finding {
	if !p.Registered {
		return found(v1alpha1.ReasonNotAvailable, "%s is not registered, see Registered", p.Name)
	}
	return p.judge()
}

// judge reports what affects clients before what only keeps the operator from probing.
func (p GroupVersionState) judge() Finding {
	bad, good := ofStanding(p.Replicas, Unhealthy), ofStanding(serving(p.Replicas), Healthy)
	if p.hasReconnected() {
		bad = serving(bad)
	}
	known, operatorOnly := p.throughBad()
	switch {
	case p.Available && len(known) == 0:
		return p.judgeServed(bad, good, operatorOnly)
	case len(bad) > 0:
		return p.judgeReplicas(bad, good)
	}
	if left := p.graceLeft(); left > 0 {
		waiting := p.waiting()
		waiting.Recheck = left
		return waiting
	}
	if len(known) > 0 {
		return p.judgeThrough(known, good)
	}
	return p.judgeUnavailable(good)
}

// graceLeft returns how long to wait before the path between kube-apiserver and the replicas is blamed: a replica may
// only just have become bad, or have left the Service with kube-apiserver still connected to it.
func (p GroupVersionState) graceLeft() time.Duration {
	for _, replica := range serving(p.Replicas) {
		if !replica.wasNotProbed() && replica.Last.isBad(p.Policy.Limit) {
			return p.Policy.Interval
		}
	}
	return p.Reconnects.Add(recheckedWithin).Sub(p.Now)
}

// hasReconnected reports whether kube-apiserver must have disconnected from ejected replicas by now.
func (p GroupVersionState) hasReconnected() bool {
	return !p.Reconnects.Add(recheckedWithin).After(p.Now)
}

// judgeServed judges a group-version that works for clients, as far as is known.
func (p GroupVersionState) judgeServed(bad, good []ReplicaSubject, operatorOnly []Subject) Finding {
	switch {
	case len(good) == 0 && allUnreachable(bad):
		return p.judgeUnreached(bad)
	case len(serving(bad)) > 0:
		return p.judgeReplicas(bad, good)
	case len(operatorOnly) > 0:
		return p.judgeThrough(operatorOnly, good)
	default:
		return p.judgeGood()
	}
}

// throughBad returns the kube-apiservers whose bad results also affect clients, and those whose results only affect the
// operator.
func (p GroupVersionState) throughBad() (known, operatorOnly []Subject) {
	for _, subject := range ofStanding(p.KubeAPIServers, Unhealthy) {
		if IsKnown(causeThrough(subject.decisive()).reason) {
			known = append(known, subject)
		} else {
			operatorOnly = append(operatorOnly, subject)
		}
	}
	return known, operatorOnly
}

// judgeUnreached is for replicas that serve requests, though the operator cannot probe them.
func (p GroupVersionState) judgeUnreached(replicas []ReplicaSubject) Finding {
	return found(v1alpha1.ReasonOperatorBlocked, "%s is available, but the operator cannot reach any replica: %s: %v; "+
		"requests are served, but a slow replica would not be detected; allow traffic from the operator to the Pods in "+
		"network policies",
		p.Name, replicas[0].Name, replicas[0].Worst.Err)
}

func allUnreachable(bad []ReplicaSubject) bool {
	reached := func(s ReplicaSubject) bool { return ClassOf(s.Worst) != ClassUnreachable }
	return len(bad) > 0 && !slices.ContainsFunc(bad, reached)
}

func (p GroupVersionState) judgeGood() Finding {
	for _, replica := range serving(p.Replicas) {
		if replica.wasNotProbed() {
			return found(v1alpha1.ReasonProbeNotPossible, "%s: the operator cannot probe %s: %v; requests are served, but a "+
				"slow replica would not be detected", p.Name, replica.Name, replica.Worst.Err)
		}
	}
	if finding, doubted := p.judgeAggregated(); doubted {
		return finding
	}
	if p.hasUnsettled() {
		return p.waiting()
	}
	if finding, isWarning := p.judgeWarnings(); isWarning {
		return finding
	}
	if p.isEmpty() {
		return p.judgeEmpty()
	}
	if finding, isMissing := p.judgeHarmless(); isMissing {
		return finding
	}
	return found(v1alpha1.ReasonWithinLimit, "every group-version answers discovery within %s", p.Policy.Limit)
}

// judgeWarnings reports what may affect clients later, but does not yet.
func (p GroupVersionState) judgeWarnings() (finding Finding, isWarning bool) {
	for _, replica := range p.Replicas {
		switch {
		case replica.Ejected:
			return found(v1alpha1.ReasonReplicaEjected, "%s is within its limit since %s no longer gets requests (%s); "+
				"inspect the Pod, which is kept for that, or delete it to replace it",
				p.Name, replica.Name, replica.Why), true
		case replica.OpenAPI.Standing == Unhealthy:
			return found(v1alpha1.ReasonOpenAPISlow, "%s: GET /openapi/v3 at %s: %s (limit %s); while kube-apiserver "+
				"downloads it, all clients that read OpenAPI from the cluster wait, such as kubectl apply and kubectl explain",
				p.Name, replica.Name, replica.OpenAPI.Worst.outcome(), AggregatorTimeout), true
		}
	}
	subjects := slices.Clone(p.KubeAPIServers)
	for _, replica := range p.Replicas {
		subjects = append(subjects, replica.Subject)
	}
	for _, subject := range subjects {
		if subject.Near {
			return found(v1alpha1.ReasonNearLimit, "%s answers in %s at %s, which is near the limit of %s",
				p.Name, rounded(subject.Latency), subject.Name, p.Policy.Limit), true
		}
	}
	return Finding{}, false
}

func (p GroupVersionState) waiting() Finding {
	return found(v1alpha1.ReasonProbing, "waiting for several consecutive probes of %s with the same result", p.Name)
}

// hasUnsettled reports whether any serving replica or kube-apiserver is not known to be good.
func (p GroupVersionState) hasUnsettled() bool {
	through := ofStanding(p.KubeAPIServers, Healthy)
	replicas := serving(p.Replicas)
	return len(through) == 0 || len(through) < len(p.KubeAPIServers) || len(ofStanding(replicas, Healthy)) < len(replicas)
}

func serving(replicas []ReplicaSubject) []ReplicaSubject {
	return slices.DeleteFunc(slices.Clone(replicas), func(s ReplicaSubject) bool { return s.Ejected })
}
