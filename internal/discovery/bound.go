// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"slices"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Probed returns the replicas that a server with that many group-versions is probed at, the same ones as long as they
// are there: those that get no requests, as they must be seen to recover, and the others by their addresses. There is
// always one.
func Probed(replicas []Replica, groupVersions int) []Replica {
	room := max(1, (limits.ProbesOfRound-groupVersions)/keysOfReplica(groupVersions))
	if len(replicas) <= room {
		return replicas
	}
	sorted := slices.SortedFunc(slices.Values(replicas), func(a, b Replica) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Pod, b.Pod))
	})
	return sorted[:room]
}

// keysOfReplica is what is asked of each replica: the group-versions, and two documents that speak of all.
func keysOfReplica(groupVersions int) int { return groupVersions + 2 }

func rank(replica Replica) int {
	if replica.Ejected {
		return 0
	}
	return 1
}
