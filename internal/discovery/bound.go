// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"slices"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// SelectReplicas returns the replicas to probe for a server with that many group-versions, at least one and the same
// ones as long as they exist: ejected replicas first, as their recovery must be observed, then the others ordered by
// address.
func SelectReplicas(replicas []Replica, groupVersions int) []Replica {
	room := max(1, (limits.ProbesOfRound-groupVersions)/keysOfReplica(groupVersions))
	if len(replicas) <= room {
		return replicas
	}
	sorted := slices.SortedFunc(slices.Values(replicas), func(a, b Replica) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Pod, b.Pod))
	})
	return sorted[:room]
}

// keysOfReplica is the number of requests to each replica: one for each group-version, and two documents that cover all
// of them.
func keysOfReplica(groupVersions int) int { return groupVersions + 2 }

func rank(replica Replica) int {
	if replica.Ejected {
		return 0
	}
	return 1
}
