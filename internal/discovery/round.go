// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"errors"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Records holds the record of each key.
type Records map[Key]Record

// Keys returns the keys in a stable order.
func (r Records) Keys() []Key { return slices.SortedFunc(maps.Keys(r), compareKeys) }

// Round holds the results after a target was probed.
type Round struct {
	Target  Target
	Records Records
	// kubeAPIServers are the sorted addresses of the kube-apiservers that have records.
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

// moved reports whether a round differs from an earlier one in its target, or significantly in any record.
func (r Round) moved(before Round) bool {
	if !r.Target.probesLike(before.Target) || len(r.Records) != len(before.Records) {
		return true
	}
	for key, record := range r.Records {
		earlier, found := before.Records[key]
		if !found || earlier.Standing != record.Standing || earlier.Near != record.Near ||
			record.Last.moved(earlier.Last, r.Target.limitOf(key.Document)) ||
			!earlier.Content.sameResources(record.Content) || !slices.Equal(earlier.Omitted, record.Omitted) {
			return true
		}
	}
	return false
}

// KubeAPIServersOf returns the results for a group-version through each kube-apiserver.
func (r Round) KubeAPIServersOf(groupVersion schema.GroupVersion) []Subject {
	var subjects []Subject
	for _, address := range r.kubeAPIServers {
		if record, found := r.Records[ThroughKubeAPIServer(address, groupVersion)]; found {
			subjects = append(subjects, Subject{Name: "kube-apiserver " + address, Record: record})
		}
	}
	return subjects
}

// FailingSince returns since when requests for a group-version fail through every kube-apiserver. failing is false if
// any answers well, or is not known to fail, because the operator cannot reach it.
func (r Round) FailingSince(groupVersion schema.GroupVersion) (since time.Time, failing bool) {
	through := r.KubeAPIServersOf(groupVersion)
	for _, kubeAPIServer := range through {
		class := ClassOf(kubeAPIServer.decisive())
		if kubeAPIServer.Standing != Unhealthy || class == ClassNotSent || class == ClassUnreachable {
			return time.Time{}, false
		}
		if kubeAPIServer.Since.After(since) {
			since = kubeAPIServer.Since
		}
	}
	return since, len(through) > 0
}

// IsProxied reports whether every kube-apiserver that was probed for the group-version proxies requests to the server.
// One that the operator cannot reach is ignored.
func (r Round) IsProxied(groupVersion schema.GroupVersion) bool {
	through := r.KubeAPIServersOf(groupVersion)
	answers := func(s Subject) bool {
		failure, failed := errors.AsType[*ProbeError](s.Last.Err)
		return failed && failure.hasStatus()
	}
	return len(through) > 0 && !slices.ContainsFunc(through, answers)
}
