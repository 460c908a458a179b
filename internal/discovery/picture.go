// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// Picture is all that is known of the discovery of one group-version.
type Picture struct {
	// Name of the APIService.
	Name         string
	GroupVersion schema.GroupVersion
	Policy       Policy
	// Registered tells whether there is an APIService, and Available whether kube-apiserver sends requests to the server.
	Registered, Available bool
	// CheckFailed is what kube-apiserver says of its own check of discovery, when that is why it is not available.
	CheckFailed string
	// ConnectsAnew is when kube-apiserver last was or will be made to connect anew, as a replica left the Service.
	ConnectsAnew time.Time
	// Stale and Empty are the kube-apiservers whose aggregated discovery has it marked Stale for some time, or has nothing
	// in it although the replicas do.
	Stale, Empty []string
	// KubeAPIServers are what it answers through each of them.
	KubeAPIServers []Subject
	// Replicas are what each of them answers.
	Replicas []ReplicaSubject
	Now      time.Time
}

// Subject is one that was asked for a group-version: a kube-apiserver, or a replica.
type Subject struct {
	// Name is for people: "Pod api-7c9 (10.0.0.7:8443)", "kube-apiserver 10.0.0.1:6443".
	Name string
	// Record is of the discovery of the group-version.
	Record
}

func (s Subject) standing() Standing { return s.Standing }

// ReplicaSubject is a replica.
type ReplicaSubject struct {
	Subject
	// APIs and OpenAPI are of the documents that speak of all group-versions.
	APIs, OpenAPI Record
	// Ejected tells that no requests are sent to it, and Why.
	Ejected bool
	Why     string
}

// isNotAsked tells whether the operator could not ask, which says nothing of the replica.
func (s ReplicaSubject) isNotAsked() bool {
	return s.Standing == Bad && !isAsked(s.Worst)
}

// standing is the worse one of what is asked for discovery.
func (s ReplicaSubject) standing() Standing {
	switch {
	case s.isNotAsked():
		return Unsettled
	case s.Standing == Bad, s.APIs.Standing == Bad:
		return Bad
	case s.Standing == Good && s.APIs.Standing == Good:
		return Good
	default:
		return Unsettled
	}
}

func ofStanding[S interface{ standing() Standing }](subjects []S, standing Standing) []S {
	return slices.DeleteFunc(slices.Clone(subjects), func(s S) bool { return s.standing() != standing })
}

// ReplicasOf returns what each replica answers for a group-version. One that has not been asked yet is Unsettled.
func (r Round) ReplicasOf(groupVersion schema.GroupVersion, replicas []Replica) []ReplicaSubject {
	var subjects []ReplicaSubject
	for _, replica := range replicas {
		subjects = append(subjects, ReplicaSubject{
			Subject: Subject{replica.String(), r.Records[AtEndpoint(replica.Endpoint, groupVersion)]},
			APIs:    r.Records[documentAt(replica.Endpoint, DocumentAPIs)],
			OpenAPI: r.Records[documentAt(replica.Endpoint, DocumentOpenAPI)],
			Ejected: replica.Ejected,
			Why:     replica.Why,
		})
	}
	return subjects
}

// StandingOf returns the worst standing of a replica over the discovery of these group-versions and of all that it
// serves, and, when it is Bad, why. It is Unsettled when its last answer says something else, and where the operator
// could not ask.
func (r Round) StandingOf(
	replica endpoints.Endpoint, groupVersions []schema.GroupVersion,
) (standing Standing, worst Sample, why string) {
	keys := []Key{documentAt(replica, DocumentAPIs)}
	for _, groupVersion := range groupVersions {
		keys = append(keys, AtEndpoint(replica, groupVersion))
	}
	standing = Good
	for _, key := range keys {
		record := r.Records[key]
		switch now := record.standingNow(r.Target.limitOf(key.Document)); {
		case now == Bad && (standing != Bad || CompareBadness(record.Worst, worst) > 0):
			standing, worst = Bad, record.Worst
			why = fmt.Sprintf("GET %s: %s", key.path(), record.Worst.outcome())
		case now == Unsettled && standing == Good:
			standing = Unsettled
		}
	}
	return standing, worst, why
}

// standingNow is Unsettled where the last sample says something else, or the operator could not ask.
func (r Record) standingNow(limit time.Duration) Standing {
	if lastIsBad := r.Last.isBad(limit); lastIsBad != (r.Standing == Bad) || !isAsked(r.Worst) {
		return Unsettled
	}
	return r.Standing
}

// outcome tells what came of a bad request, for people.
func (s Sample) outcome() string {
	if s.Err != nil {
		return s.Err.Error()
	}
	return "answered only after " + told(s.Latency).String()
}

// ClassOf is empty for an answer.
func ClassOf(sample Sample) Class { return kindOf(sample).Class }

// told rounds to what people compare.
func told(duration time.Duration) time.Duration {
	switch {
	case duration >= time.Second:
		return duration.Round(100 * time.Millisecond)
	case duration >= time.Millisecond:
		return duration.Round(time.Millisecond)
	default:
		return duration.Round(10 * time.Microsecond)
	}
}
