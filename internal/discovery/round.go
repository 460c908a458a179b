// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"errors"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Records are what is known of each key.
type Records map[Key]Record

// Keys returns the keys in an order that is the same each time.
func (r Records) Keys() []Key { return slices.SortedFunc(maps.Keys(r), compareKeys) }

// Round is what is known after a target was probed.
type Round struct {
	Target  Target
	Records Records
	// kubeAPIServers are the addresses of those that there are records of, in their order.
	kubeAPIServers []string
}

// NewRound returns a round with these records.
func NewRound(target Target, records Records) Round {
	addresses := map[string]bool{}
	for key := range records {
		if key.View == ViewKubeAPIServer {
			addresses[key.Address] = true
		}
	}
	return Round{target, records, slices.Sorted(maps.Keys(addresses))}
}

// moved tells whether a round differs from an earlier one in what it probed, or in any record that moved.
func (r Round) moved(before Round) bool {
	if !r.Target.asksAs(before.Target) || len(r.Records) != len(before.Records) {
		return true
	}
	for key, record := range r.Records {
		earlier, found := before.Records[key]
		if !found || earlier.Standing != record.Standing || earlier.Near != record.Near ||
			record.Last.moved(earlier.Last, r.Target.limitOf(key.Document)) ||
			earlier.Told.Resources != record.Told.Resources || !slices.Equal(earlier.LeftOut, record.LeftOut) {
			return true
		}
	}
	return false
}

// KubeAPIServersOf returns what a group-version answers through each kube-apiserver.
func (r Round) KubeAPIServersOf(groupVersion schema.GroupVersion) []Subject {
	var subjects []Subject
	for _, address := range r.kubeAPIServers {
		if record, found := r.Records[ThroughKubeAPIServer(address, groupVersion)]; found {
			subjects = append(subjects, Subject{Name: "kube-apiserver " + address, Record: record})
		}
	}
	return subjects
}

// Passes reports whether every kube-apiserver that was probed for the group-version passes requests on to the server.
// One that cannot be reached from here says nothing about that.
func (r Round) Passes(groupVersion schema.GroupVersion) bool {
	through := r.KubeAPIServersOf(groupVersion)
	answers := func(s Subject) bool {
		failure, failed := errors.AsType[*ProbeError](s.Last.Err)
		return failed && failure.answered()
	}
	return len(through) > 0 && !slices.ContainsFunc(through, answers)
}
