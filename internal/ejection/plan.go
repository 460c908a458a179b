// SPDX-License-Identifier: Apache-2.0

// Package ejection decides which replicas of a server get no requests, because they answer discovery badly while others
// answer well: kube-apiserver keeps its one connection to whichever replica it has met, and a single bad one can take a
// whole API down. It imports no client: Next maps what is known of the replicas to the next step.
//
//   - A replica is ejected only while another one that gets requests is good.
//   - No more than half of all are ejected, so that the others can carry the load; the worst go first, and when others
//     leave, the least bad come back.
//   - A replica that has recovered comes back.
//   - When every replica that gets requests is bad, all come back: the server itself is bad, and ejecting helps nobody.
//   - A replica that is neither good nor bad yet stays where it is, and speaks neither for nor against any other.
package ejection

import (
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

// Replica is a ready replica of a server.
type Replica struct {
	// Pod that it is.
	Pod string
	// Ejected tells that it gets no requests.
	Ejected bool
	// Standing is what its last answers say of it.
	Standing discovery.Standing
}

// Reason says why replicas come back.
type Reason string

const (
	// Recovered replicas answer well again.
	Recovered Reason = "Recovered"
	// NoneBetter means that no other replica answers well.
	NoneBetter Reason = "NoneBetter"
	// TooMany means that more than half would get no requests, as others have left.
	TooMany Reason = "TooMany"
	// Disabled means that no replica is to be ejected.
	Disabled Reason = "Disabled"
)

// Plan is the next step. It never both ejects and restores, so that each ejection rests on what was seen.
type Plan struct {
	// Eject are the Pods that are to get no more requests.
	Eject []string
	// Restore are the Pods that are to get requests again, and Reason is why.
	Restore []string
	Reason  Reason
}

// IsEmpty tells whether there is nothing to do.
func (p Plan) IsEmpty() bool { return len(p.Eject)+len(p.Restore) == 0 }

// Next returns the next step for the replicas, of which the worst come first.
func Next(enabled bool, replicas []Replica) Plan {
	ejected := podsOf(replicas, func(r Replica) bool { return r.Ejected })
	recovered := podsOf(replicas, func(r Replica) bool { return r.Ejected && r.Standing == discovery.Good })
	serving := func(standing discovery.Standing) []string {
		return podsOf(replicas, func(r Replica) bool { return !r.Ejected && r.Standing == standing })
	}
	bad := serving(discovery.Bad)
	switch {
	case !enabled:
		return Plan{Restore: ejected, Reason: Disabled}
	case len(recovered) > 0:
		return Plan{Restore: recovered, Reason: Recovered}
	case len(bad)+len(ejected) == len(replicas):
		return Plan{Restore: ejected, Reason: NoneBetter}
	}
	room := len(replicas)/2 - len(ejected)
	switch {
	case room < 0:
		return Plan{Restore: ejected[len(ejected)+room:], Reason: TooMany}
	case len(serving(discovery.Good)) == 0:
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
