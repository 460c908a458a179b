// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Subject is one that was asked for a group-version: a replica, or a kube-apiserver.
type Subject struct {
	// Name is for people: "Pod api-7c9 (10.0.0.7:8443)", "kube-apiserver 10.0.0.1:6443".
	Name   string
	Record Record
}

// Picture is all that is known of the discovery of one group-version.
type Picture struct {
	// Name of the APIService.
	Name string
	// Limit is the longest good latency; from Warning on it is told that it comes near.
	Limit, Warning time.Duration
	// Registered tells whether there is an APIService, and Available whether kube-apiserver sends requests to the server.
	Registered, Available bool
	// Stale and Empty are the kube-apiservers whose aggregated discovery has it marked Stale for some time, or has nothing
	// in it although the replicas do.
	Stale, Empty []string
	// KubeAPIServers are what it answers through each of them, and Replicas what each replica answers.
	KubeAPIServers, Replicas []Subject
}

// Finding is what a Picture shows.
type Finding struct {
	// Reason is one of DiscoveryWithinLimit.
	Reason  string
	Message string
}

// Judge names the cause where it can be told, and the culprit.
func Judge(p Picture) Finding {
	if !p.Registered {
		return Finding{v1alpha1.ReasonNotAvailable, p.Name + " is not registered, see Registered"}
	}
	bad, good := ofStanding(p.Replicas, Bad), ofStanding(p.Replicas, Good)
	if len(bad) > 0 {
		return p.judgeReplicas(bad, good)
	}
	if slow := ofStanding(p.KubeAPIServers, Bad); len(slow) > 0 {
		return p.judgeNetwork(slow[0], good)
	}
	return p.judgeGood()
}

func (p Picture) judgeReplicas(bad, good []Subject) Finding {
	worst := slices.MaxFunc(bad, func(a, b Subject) int { return CompareBadness(a.Record.Worst, b.Record.Worst) })
	sample := worst.Record.Worst
	if class := classOfSample(sample); class != "" && class != ClassTimeout {
		explained := replicaFailures[class]
		return Finding{explained.reason, fmt.Sprintf("%s%v; %s; %s",
			p.leadTo(worst), sample.Err, others(good), explained.advice)}
	}
	part, doing := sample.Timing.slowestPart()
	slow := fmt.Sprintf("%s: %s %s %s; %s", p.headline(worst), told(part), doing, worst.Name, others(good))
	if len(good) == 0 {
		return Finding{v1alpha1.ReasonServerSlow, slow + "; look at its CPU, its storage and what it calls"}
	}
	return Finding{v1alpha1.ReasonReplicaSlow, slow + "; compare the two, or delete the Pod to have it replaced"}
}

// leadTo is the headline, and the name of the replica unless it is in it.
func (p Picture) leadTo(replica Subject) string {
	headline := p.headline(replica)
	if strings.Contains(headline, replica.Name) {
		return headline + ": "
	}
	return headline + ": " + replica.Name + " "
}

// headline says what clients feel, or, while they do not, what the replica does.
func (p Picture) headline(replica Subject) string {
	subject, way := replica, "straight from"
	if through := ofStanding(p.KubeAPIServers, Bad); len(through) > 0 {
		subject, way = through[0], "through"
	}
	if sample := subject.Record.Worst; sample.Err == nil {
		return fmt.Sprintf("%s took %s %s %s (limit %s)", p.Name, told(sample.Latency), way, subject.Name, p.Limit)
	}
	return fmt.Sprintf("%s failed %s %s", p.Name, way, subject.Name)
}

// others tells how the good replicas fare.
func others(good []Subject) string {
	if len(good) == 0 {
		return "no replica does better"
	}
	slowest := slices.MaxFunc(good, func(a, b Subject) int { return cmp.Compare(a.Record.P50, b.Record.P50) })
	if len(good) == 1 {
		return fmt.Sprintf("the other replica, %s, answers in %s", slowest.Name, told(slowest.Record.P50))
	}
	return fmt.Sprintf("%d other replicas answer in %s", len(good), told(slowest.Record.P50))
}

func (p Picture) judgeGood() Finding {
	switch {
	case !p.Available:
		return Finding{v1alpha1.ReasonNotAvailable, fmt.Sprintf(
			"%s is not available, so kube-apiserver does not ask the server; see Available", p.Name)}
	case len(ofStanding(p.KubeAPIServers, Good)) == 0:
		return Finding{v1alpha1.ReasonProbing, "waiting for the first answer of " + p.Name}
	}
	if len(p.Stale) > 0 {
		return Finding{v1alpha1.ReasonStale, fmt.Sprintf("%s is marked Stale by kube-apiserver %s although it answers: "+
			"kube-apiserver has got no answer to GET /apis within %s, which it asks for each minute; until it does, no "+
			"namespace of the cluster can be deleted, and Helm and kubectl see errors; look at what the replicas answer there",
			p.Name, p.Stale[0], AggregatorTimeout)}
	}
	if len(p.Empty) > 0 {
		return Finding{v1alpha1.ReasonEmpty, fmt.Sprintf("%s has no resources in the discovery of kube-apiserver %s "+
			"although the replicas answer with some: the server leaves it out of GET /apis; until it does not, namespace "+
			"deletion skips its objects without a word", p.Name, p.Empty[0])}
	}
	asked := slices.Concat(p.KubeAPIServers, p.Replicas)
	slowest := slices.MaxFunc(asked, func(a, b Subject) int {
		return cmp.Compare(a.Record.Last.Latency, b.Record.Last.Latency)
	})
	if latency := slowest.Record.Last.Latency; latency >= p.Warning {
		return Finding{v1alpha1.ReasonNearLimit, fmt.Sprintf("%s took %s at %s, which is near the limit of %s",
			p.Name, told(latency), slowest.Name, p.Limit)}
	}
	return Finding{v1alpha1.ReasonWithinLimit, fmt.Sprintf("every group-version answers discovery within %s", p.Limit)}
}

// CompareNames orders subjects by their names.
func CompareNames(a, b Subject) int { return cmp.Compare(a.Name, b.Name) }

func ofStanding(subjects []Subject, standing Standing) []Subject {
	return slices.DeleteFunc(slices.Clone(subjects), func(s Subject) bool { return s.Record.Standing != standing })
}

// classOfSample is empty for an answer.
func classOfSample(sample Sample) Class {
	if sample.Err == nil {
		return ""
	}
	if failure, ok := errors.AsType[*ProbeError](sample.Err); ok {
		return failure.Class
	}
	return ClassNotAsked
}

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
