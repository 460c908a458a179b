// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// replicaFailures maps failures of replicas to their causes.
var replicaFailures = map[Class]cause{
	ClassUnreachable: {
		v1alpha1.ReasonReplicaUnreachable,
		"look at the Pod, and at network policies between the operator and it",
	},
	ClassUntrusted: {
		v1alpha1.ReasonCertificateUntrusted,
		"the server does not serve the certificate in its Secret: check its flags, or restart it; see CertificatesReady",
	},
	ClassWrongName: {
		v1alpha1.ReasonCertificateForOtherName,
		"issue the certificate for the DNS name of the Service; see CertificatesReady",
	},
	ClassExpired: {
		v1alpha1.ReasonCertificateExpired,
		"see CertificatesReady; a server that does not reload its certificate must be restarted",
	},
	ClassRefused: {
		v1alpha1.ReasonProbeForbidden,
		"discovery must be open to every authenticated user (system:discovery); look at the server's delegated " +
			"authentication and authorization",
	},
	ClassMissing: {
		v1alpha1.ReasonGroupVersionNotServed,
		"make the server serve this version, or remove it from spec.groups: kube-apiserver treats it as empty, and " +
			"namespace deletion leaves its objects behind",
	},
	ClassRedirected: {
		v1alpha1.ReasonRedirected,
		"kube-apiserver does not follow redirects: the server must answer discovery itself",
	},
	ClassServerError: {v1alpha1.ReasonServerError, "look at the server's log"},
	ClassMalformed: {
		v1alpha1.ReasonInvalidResponse,
		"the answer is not from an extension API server, or from one of another group",
	},
	ClassOversized: {
		v1alpha1.ReasonResponseTooLarge,
		"a discovery document takes some kilobytes; look at what the server answers",
	},
	ClassNotSent: {v1alpha1.ReasonProbeNotPossible, "the state is unknown until the operator can probe it"},
	ClassOther:   {v1alpha1.ReasonConnectionBroken, "look at the server's log, and at proxies in between"},
}

// judgeReplicas judges the worst of the bad replicas.
func (p GroupVersionState) judgeReplicas(bad, good []ReplicaSubject) Finding {
	// Among replicas that are bad in the same way the first one is reported, so that the message is stable.
	worst := slices.MaxFunc(bad, func(a, b ReplicaSubject) int { return compareKinds(a.Worst, b.Worst) })
	if worst.Standing != Unhealthy {
		return p.judgeAPIs(worst, good)
	}
	sample, headline := worst.Worst, p.headline(worst.Subject)
	if class := ClassOf(sample); class != "" && class != ClassTimeout {
		explained := causeAtReplica(sample)
		return found(explained.reason, "%s: %s; %s; %s", headline, failureAt(worst.Subject, headline), describeOthers(good),
			explained.advice)
	}
	part, doing := sample.Timing.slowestPart()
	whom := unlessIn(headline, worst.Name, "it")
	slow := fmt.Sprintf("%s: %s %s %s; %s", headline, rounded(part), doing, whom, describeOthers(good))
	switch {
	case len(good) == 0:
		return found(v1alpha1.ReasonServerSlow, "%s; look at its CPU, its storage and what it calls", slow)
	case worst.Ejected:
		return found(v1alpha1.ReasonReplicaSlow, "%s; it gets no new requests, and kube-apiserver reconnects within "+
			"seconds", slow)
	default:
		return found(v1alpha1.ReasonReplicaSlow, "%s; compare it with the others, or delete the Pod to replace it",
			slow)
	}
}

// judgeAPIs judges a replica that serves the discovery of the group-version, but not its aggregated discovery.
func (p GroupVersionState) judgeAPIs(replica ReplicaSubject, good []ReplicaSubject) Finding {
	return found(v1alpha1.ReasonAggregatedDiscoveryFailed, "%s is served, but GET /apis at %s: %s (limit %s); %s; "+
		"kube-apiserver requests it every minute and marks every group-version of the server Stale: %s",
		p.Name, replica.Name, replica.APIs.Worst.outcome(), AggregatorTimeout, describeOthers(good), staleImpact)
}

// failureAt returns why a replica fails, with its name unless the headline contains it.
func failureAt(replica Subject, headline string) string {
	if name := unlessIn(headline, replica.Name, ""); name != "" {
		return fmt.Sprintf("%s: %v", name, replica.Worst.Err)
	}
	return replica.Worst.Err.Error()
}

// unlessIn returns the name of a replica, or instead if the headline already contains it.
func unlessIn(headline, name, instead string) string {
	if strings.Contains(headline, name) {
		return instead
	}
	return name
}

// headline describes the impact on clients, or, if there is none, the replica's own result.
func (p GroupVersionState) headline(replica Subject) string {
	if through, _ := p.throughBad(); len(through) > 0 {
		return p.happened(through[0], "through")
	}
	return p.happened(replica, "directly from")
}

func (p GroupVersionState) happened(subject Subject, way string) string {
	sample := subject.Worst
	switch ClassOf(sample) {
	case "":
		return fmt.Sprintf("%s took %s %s %s (limit %s)", p.Name, rounded(sample.Latency), way, subject.Name, p.Policy.Limit)
	case ClassTimeout:
		return fmt.Sprintf("%s got %v %s %s (limit %s)", p.Name, sample.Err, way, subject.Name, p.Policy.Limit)
	default:
		return fmt.Sprintf("%s failed %s %s", p.Name, way, subject.Name)
	}
}

// describeOthers describes the good replicas.
func describeOthers(good []ReplicaSubject) string {
	if len(good) == 0 {
		return "no replica is known to be healthy"
	}
	slowest := slices.MaxFunc(good, func(a, b ReplicaSubject) int { return cmp.Compare(a.Latency, b.Latency) })
	if len(good) == 1 {
		return fmt.Sprintf("the other replica, %s, answers in %s", slowest.Name, rounded(slowest.Latency))
	}
	return fmt.Sprintf("%d other replicas answer in up to %s", len(good), rounded(slowest.Latency))
}
