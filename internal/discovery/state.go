// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersionState is the state of the discovery of one group-version.
type GroupVersionState struct {
	// Name of the APIService.
	Name         string
	GroupVersion schema.GroupVersion
	Policy       Policy
	// Registered is true if there is an APIService, and Available if kube-apiserver proxies requests to the server.
	Registered, Available bool
	// CheckFailed is the error of kube-apiserver's own discovery check, if the APIService is unavailable because of it.
	CheckFailed string
	// Reconnects is when kube-apiserver was last, or will be, made to reconnect because a replica left the Service.
	Reconnects time.Time
	// Stale and Empty are the kube-apiservers whose aggregated discovery has marked the group-version Stale for some time,
	// or lists no resources in it although the replicas do.
	Stale, Empty []string
	// KubeAPIServers are the results through each kube-apiserver.
	KubeAPIServers []Subject
	// Replicas are the results of each replica.
	Replicas []ReplicaSubject
	Now      time.Time
}

// Subject is what was probed for a group-version: a kube-apiserver or a replica.
type Subject struct {
	// Name is used in messages: "Pod api-7c9 (10.0.0.7:8443)", "kube-apiserver 10.0.0.1:6443".
	Name string
	// Record is of the discovery of the group-version.
	Record
}

func (s Subject) standing() Standing { return s.Standing }

// ReplicaSubject is a replica.
type ReplicaSubject struct {
	Subject
	// APIs and OpenAPI are the records of the documents that cover all group-versions.
	APIs, OpenAPI Record
	// Ejected is true if the replica gets no requests, and Why is the reason.
	Ejected bool
	Why     string
}

// wasNotProbed reports whether the operator could not send the probe, which is no result for the replica.
func (s ReplicaSubject) wasNotProbed() bool {
	return s.Standing == Unhealthy && !wasSent(s.Worst)
}

// standing returns the worst standing of the documents that are requested for discovery.
func (s ReplicaSubject) standing() Standing {
	switch {
	case s.wasNotProbed():
		return Unsettled
	case s.Standing == Unhealthy, s.APIs.Standing == Unhealthy:
		return Unhealthy
	case s.Standing == Healthy && s.APIs.Standing == Healthy:
		return Healthy
	default:
		return Unsettled
	}
}

func ofStanding[S interface{ standing() Standing }](subjects []S, standing Standing) []S {
	return slices.DeleteFunc(slices.Clone(subjects), func(s S) bool { return s.standing() != standing })
}

// ReplicasOf returns the results of each replica for a group-version. A replica that has not been probed yet is
// Unsettled.
func (r Round) ReplicasOf(groupVersion schema.GroupVersion, replicas []Replica) []ReplicaSubject {
	var subjects []ReplicaSubject
	for _, replica := range replicas {
		subjects = append(subjects, ReplicaSubject{
			Subject: Subject{replica.String(), r.Records[AtEndpoint(replica, groupVersion)]},
			APIs:    r.Records[documentAt(replica, DocumentAPIs)],
			OpenAPI: r.Records[documentAt(replica, DocumentOpenAPI)],
			Ejected: replica.Ejected,
			Why:     replica.Why,
		})
	}
	return subjects
}

// StandingOf returns the worst standing of a replica over the discovery of these group-versions and its aggregated
// discovery, and, if it is Unhealthy, why. It is Unsettled if the last sample contradicts the standing, or if the
// operator could not send the probe.
func (r Round) StandingOf(
	replica Replica, groupVersions []schema.GroupVersion,
) (standing Standing, worst Sample, why string) {
	keys := []Key{documentAt(replica, DocumentAPIs)}
	for _, groupVersion := range groupVersions {
		keys = append(keys, AtEndpoint(replica, groupVersion))
	}
	standing = Healthy
	for _, key := range keys {
		record := r.Records[key]
		switch now := record.standingNow(r.Target.limitOf(key.Document)); {
		case now == Unhealthy && (standing != Unhealthy || CompareSeverity(record.Worst, worst) > 0):
			standing, worst = Unhealthy, record.Worst
			why = fmt.Sprintf("GET %s: %s", key.path(), record.Worst.outcome())
		case now == Unsettled && standing == Healthy:
			standing = Unsettled
		}
	}
	return standing, worst, why
}

// standingNow returns Unsettled if the last sample contradicts the standing, or if the operator could not send the
// probe.
func (r Record) standingNow(limit time.Duration) Standing {
	if lastIsBad := r.Last.isBad(limit); lastIsBad != (r.Standing == Unhealthy) || !wasSent(r.Worst) {
		return Unsettled
	}
	return r.Standing
}

// outcome describes a failed or slow request in a message.
func (s Sample) outcome() string {
	if s.Err != nil {
		return s.Err.Error()
	}
	return "answered after " + rounded(s.Latency).String()
}

// ClassOf returns the class of a failure, empty for a success.
func ClassOf(sample Sample) Class { return kindOf(sample).Class }

// rounded rounds a duration to the precision used in messages.
func rounded(duration time.Duration) time.Duration {
	switch {
	case duration >= time.Second:
		return duration.Round(100 * time.Millisecond)
	case duration >= time.Millisecond:
		return duration.Round(time.Millisecond)
	default:
		return duration.Round(10 * time.Microsecond)
	}
}
