// SPDX-License-Identifier: Apache-2.0

// Package ejection decides which replicas of a server are ejected from its Service, because their discovery is
// unhealthy while that of others is healthy: kube-apiserver keeps its one connection to whichever replica it was
// connected to, so a single unhealthy one can make a whole API unavailable. It imports no client: Next computes the
// next step from the state of the replicas.
//
//   - A replica is ejected only while another one that gets requests is good.
//   - At most the given percentage of all are ejected, so that the others can handle the load; the worst are ejected
//     first, and if others are removed, the least bad are restored.
//   - A replica that has recovered is restored.
//   - If every replica that gets requests is bad, all are restored: the server itself is unhealthy, and ejection does
//     not help.
//   - A replica that is neither good nor bad yet is not changed, and does not count for or against others.
package ejection

import (
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

// Replica is a ready replica of a server.
type Replica struct {
	// Pod is the name of its Pod.
	Pod string
	// Ejected is true if it gets no requests.
	Ejected bool
	// Standing is the result of its last probes.
	Standing discovery.Standing
}

// Reason is why replicas are restored.
type Reason string

const (
	// Recovered means that the replicas are healthy again.
	Recovered Reason = "Recovered"
	// NoneHealthy means that no other replica is healthy.
	NoneHealthy Reason = "NoneBetter"
	// TooMany means that more than the given percentage would be ejected, as other replicas are gone.
	TooMany Reason = "TooMany"
	// Disabled means that ejection is disabled.
	Disabled Reason = "Disabled"
)

// Plan is the next step. It never both ejects and restores, so that each ejection is based on what was observed.
type Plan struct {
	// Eject are the Pods to eject.
	Eject []string
	// Restore are the Pods to restore, and Reason is why.
	Restore []string
	Reason  Reason
}

// IsEmpty reports whether there is nothing to do.
func (p Plan) IsEmpty() bool { return len(p.Eject)+len(p.Restore) == 0 }

// Bounds are how many replicas may be ejected.
type Bounds struct {
	// Disabled reports whether none is.
	Disabled bool
	// MaxPercent is how many of the replicas may be ejected at the same time, rounded down, but at least one.
	MaxPercent int32
}

func (b Bounds) of(replicas int) int { return max(1, replicas*int(b.MaxPercent)/100) }

// Next returns the next step for the replicas, which are sorted with the worst first.
func Next(bounds Bounds, replicas []Replica) Plan {
	ejected := podsOf(replicas, func(r Replica) bool { return r.Ejected })
	recovered := podsOf(replicas, func(r Replica) bool { return r.Ejected && r.Standing == discovery.Healthy })
	serving := func(standing discovery.Standing) []string {
		return podsOf(replicas, func(r Replica) bool { return !r.Ejected && r.Standing == standing })
	}
	bad := serving(discovery.Unhealthy)
	switch {
	case bounds.Disabled:
		return Plan{Restore: ejected, Reason: Disabled}
	case len(recovered) > 0:
		return Plan{Restore: recovered, Reason: Recovered}
	case len(bad)+len(ejected) == len(replicas):
		return Plan{Restore: ejected, Reason: NoneHealthy}
	}
	room := bounds.of(len(replicas)) - len(ejected)
	switch {
	case room < 0:
		return Plan{Restore: ejected[len(ejected)+room:], Reason: TooMany}
	case len(serving(discovery.Healthy)) == 0:
		return Plan{}
	default:
		return Plan{Eject: bad[:min(room, len(bad))]}
	}
}

func podsOf(replicas []Replica, match func(Replica) bool) []string {
	var pods []string
	for _, replica := range replicas {
		if match(replica) {
			pods = append(pods, replica.Pod)
		}
	}
	return pods
}
