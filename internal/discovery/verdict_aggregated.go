// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"slices"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// judgeAggregated judges what kube-apiserver's own discovery lists for the group-version.
func (p GroupVersionState) judgeAggregated() (finding Finding, doubted bool) {
	for _, replica := range serving(p.Replicas) {
		if harm := replica.Content.harmIfMissing(); harm != "" && replica.leavesOut(p) {
			return found(v1alpha1.ReasonMissingInDiscovery, "%s is left out of GET /apis by %s, which serves it (resources: "+
				"%d): kube-apiserver treats the group-version as empty, and %s; fix the server, whose /apis and /apis/%s differ",
				p.Name, replica.Name, replica.Content.Resources, harm, p.GroupVersion), true
		}
	}
	if harm := p.harmIfMissing(); harm != "" && len(p.Empty) > 0 {
		return found(v1alpha1.ReasonEmpty, "%s is empty for kube-apiserver %s, although the replicas answer with resources; "+
			"meanwhile %s; check the server's answer to GET /apis", p.Name, p.Empty[0], harm), true
	}
	if len(p.Stale) > 0 {
		if left := p.goodSince().Add(freshAgainWithin).Sub(p.Now); left > 0 {
			waiting := p.waiting()
			waiting.Recheck = left
			return waiting, true
		}
		return found(v1alpha1.ReasonStale, "%s is marked Stale by kube-apiserver %s although it answers: kube-apiserver "+
			"gets no answer to GET /apis, which it requests every minute, within %s; %s",
			p.Name, p.Stale[0], AggregatorTimeout, staleImpact), true
	}
	return Finding{}, false
}

// freshAgainWithin is how soon a recovery shows in aggregated discovery: kube-apiserver requests it every minute, and
// the operator reads it every 30 seconds.
const freshAgainWithin = 100 * time.Second

// isEmpty reports whether no replica has had any resource in its last responses.
func (p GroupVersionState) isEmpty() bool {
	replicas := serving(p.Replicas)
	return len(replicas) > 0 && !slices.ContainsFunc(replicas, func(s ReplicaSubject) bool {
		return !slices.Contains(s.Omitted, p.GroupVersion)
	})
}

// judgeEmpty is for a group-version that is served without any resource: an adapter may have no metrics yet, but a
// server that has lost its resources hides the objects in its storage. Clients that request each group-version by
// itself report an empty response (client-go discovery/cached/memory/memcache.go).
func (p GroupVersionState) judgeEmpty() Finding {
	return found(v1alpha1.ReasonNoResources, "%s answers discovery without any resource: clients find nothing in it, "+
		"some report an empty response, and namespace deletion leaves behind what the server still stores; unless it adds "+
		"resources at run time, as metrics adapters do, look at its configuration and its log", p.Name)
}

// judgeHarmless is for a group-version that is missing in aggregated discovery without affecting anyone: adapters of
// custom and external metrics serve resources that offer only get, at paths that their clients know.
func (p GroupVersionState) judgeHarmless() (finding Finding, isMissing bool) {
	const harmless = "no client is affected, since its resources offer no verb but get, and have no objects to delete"
	for _, replica := range serving(p.Replicas) {
		if replica.leavesOut(p) {
			return found(v1alpha1.ReasonMissingWithoutImpact, "%s is left out of GET /apis by %s, which serves it "+
				"(resources: %d); %s", p.Name, replica.Name, replica.Content.Resources, harmless), true
		}
	}
	if len(p.Empty) > 0 {
		return found(v1alpha1.ReasonMissingWithoutImpact, "%s is empty for kube-apiserver %s, although the replicas "+
			"answer with resources; %s", p.Name, p.Empty[0], harmless), true
	}
	return Finding{}, false
}

// harmIfMissing describes what is affected while kube-apiserver treats a group-version with these resources as empty;
// it is empty if nothing is. The namespace controller, the garbage collector and quota act on resources that can be
// deleted only (k8s.io/kubernetes pkg/controller/namespace/deletion/namespaced_resources_deleter.go,
// pkg/controller/garbagecollector/garbagecollector.go, pkg/controller/resourcequota/resource_quota_controller.go).
func (c Content) harmIfMissing() string {
	switch {
	case c.Deletable > 0:
		return "namespace deletion leaves its objects behind"
	case c.MoreThanGet > 0:
		return "clients that use discovery, such as kubectl, do not find its resources"
	default:
		return ""
	}
}

// harmIfMissing is that of all replicas together.
func (p GroupVersionState) harmIfMissing() string {
	var all Content
	for _, replica := range serving(p.Replicas) {
		all.Deletable += replica.Content.Deletable
		all.MoreThanGet += replica.Content.MoreThanGet
	}
	return all.harmIfMissing()
}

// goodSince returns when the last of all records became good.
func (p GroupVersionState) goodSince() time.Time {
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

const staleImpact = "while it is Stale, no namespace of the cluster can be deleted, and Helm and kubectl see errors"

// leavesOut reports whether a replica serves resources of the group-version, but omits them from its aggregated
// discovery.
func (s ReplicaSubject) leavesOut(p GroupVersionState) bool {
	return slices.Contains(s.APIs.Omitted, p.GroupVersion) && s.Content.Resources > 0
}
