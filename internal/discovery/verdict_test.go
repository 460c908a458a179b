// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const ms = time.Millisecond

var (
	noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	fine = goodRecord(4 * ms)
	slow = slowRecord(6200 * ms)
)

// goodRecord returns a record that has been good for an hour.
func goodRecord(latency time.Duration) Record {
	return Record{
		Standing: Healthy, Since: noon.Add(-time.Hour), Last: Sample{Latency: latency}, Latency: latency, P50: latency,
		Samples: 1,
		Content: Content{Resources: 1, Deletable: 1, MoreThanGet: 1},
	}
}

// leavesOut returns a change of a replica that leaves the group-version, with these resources, out of GET /apis.
func leavesOut(resources Content) func(*ReplicaSubject) {
	return func(s *ReplicaSubject) {
		s.APIs.Omitted, s.Content = []schema.GroupVersion{groupVersion}, resources
	}
}

func nearRecord(latency time.Duration) Record {
	record := goodRecord(latency)
	record.Near = true
	return record
}

func slowRecord(latency time.Duration) Record {
	const transfer = 100 * ms
	sample := Sample{Latency: latency, Timing: Timing{Wait: latency - transfer, Transfer: transfer}}
	return Record{Standing: Unhealthy, Last: sample, Worst: sample}
}

func failedRecord(class Class, status int, text string) Record {
	failure := &ProbeError{Class: class, Text: text, Status: status}
	sample := Sample{Latency: time.Second, Err: failure, Timing: Timing{Wait: time.Second}}
	return Record{Standing: Unhealthy, Last: sample, Worst: sample}
}

// lastly returns the record with a last failure of another class.
func lastly(record Record, class Class) Record {
	record.Last.Err = &ProbeError{Class: class, Text: "no connection within 6s"}
	return record
}

func through(records ...Record) (subjects []Subject) {
	for i, record := range records {
		subjects = append(subjects, Subject{Name: "kube-apiserver 10.0.0." + string(rune('1'+i)) + ":6443", Record: record})
	}
	return subjects
}

func replicasWith(records ...Record) (subjects []ReplicaSubject) {
	for i, record := range records {
		name := "Pod api-" + string(rune('a'+i))
		subjects = append(subjects, ReplicaSubject{Subject: Subject{name, record}, APIs: fine, OpenAPI: fine})
	}
	return subjects
}

// empty returns a replica that lists no resource of the group-version.
func empty(name string) ReplicaSubject {
	record := fine
	record.Content, record.Omitted = Content{}, []schema.GroupVersion{groupVersion}
	return ReplicaSubject{Subject: Subject{name, record}, APIs: fine, OpenAPI: fine}
}

// changed returns the subjects with the first one changed.
func changed(subjects []ReplicaSubject, change func(*ReplicaSubject)) []ReplicaSubject {
	change(&subjects[0])
	return subjects
}

func ejected(s *ReplicaSubject) { s.Ejected, s.Why = true, "GET /apis: answered 500" }

// Each fault has its reason, and the message names the component at fault.
func TestJudge(t *testing.T) {
	tests := map[string]struct {
		kubeAPIServers []Subject
		replicas       []ReplicaSubject
		reason         string
		message        string
	}{
		"everything is healthy": {through(fine), replicasWith(fine, fine), v1alpha1.ReasonWithinLimit, "within 5s"},
		"near the limit": {
			through(nearRecord(3 * time.Second)), replicasWith(fine), v1alpha1.ReasonNearLimit,
			"answers in 3s at kube-apiserver 10.0.0.1",
		},
		"a replica near the limit": {
			through(fine), replicasWith(fine, nearRecord(4*time.Second)), v1alpha1.ReasonNearLimit, "4s at Pod api-b",
		},
		"not probed yet":              {nil, nil, v1alpha1.ReasonProbing, "several"},
		"a new replica":               {through(fine), replicasWith(fine, Record{}), v1alpha1.ReasonProbing, "several"},
		"a kube-apiserver is unknown": {through(fine, Record{}), replicasWith(fine), v1alpha1.ReasonProbing, "several"},
		"one replica is slow": {
			through(slow), replicasWith(slow, fine), v1alpha1.ReasonReplicaSlow,
			"v1.wardle.example.com took 6.2s through kube-apiserver 10.0.0.1:6443 (limit 5s): 6.1s waiting for Pod api-a; " +
				"the other replica, Pod api-b, answers in 4ms; compare it with the others",
		},
		"one replica is slow, and clients are not affected": {
			through(fine), replicasWith(slow, fine, fine), v1alpha1.ReasonReplicaSlow,
			"took 6.2s directly from Pod api-a (limit 5s): 6.1s waiting for it; 2 other replicas answer in up to 4ms",
		},
		"the slow replica is ejected": {
			through(fine), changed(replicasWith(slow, fine), ejected), v1alpha1.ReasonReplicaEjected,
			"since Pod api-a no longer gets requests (GET /apis: answered 500); inspect the Pod",
		},
		"the server is slow": {
			through(slow), replicasWith(slow, slow), v1alpha1.ReasonServerSlow, "no replica is known to be healthy; look at " +
				"its CPU",
		},
		"the network is slow": {
			through(slow), replicasWith(fine), v1alpha1.ReasonNetworkSlow, "Pod api-a answers the operator in 4ms",
		},
		"the network is blocked": {
			through(failedRecord(ClassServerError, 503, "answered 503: error trying to reach service: dial tcp: i/o timeout")),
			replicasWith(fine), v1alpha1.ReasonNetworkBlocked, "hostNetwork",
		},
		"kube-apiserver does not trust the server": {
			through(failedRecord(ClassServerError, 503, "error trying to reach service: tls: x509: unknown authority")),
			replicasWith(fine), v1alpha1.ReasonCertificateUntrusted, "caBundle",
		},
		"the front proxy is not trusted": {
			through(failedRecord(ClassRefused, http.StatusUnauthorized, "answered 401")), replicasWith(fine),
			v1alpha1.ReasonFrontProxyRejected, "--proxy-client-cert-file",
		},
		"the front proxy shows no certificate": {
			through(failedRecord(ClassRefused, 403, `answered 403: User "system:anonymous" cannot`)), replicasWith(fine),
			v1alpha1.ReasonFrontProxyRejected, "an anonymous user, as it gets no front-proxy certificate",
		},
		"the front proxy is accepted, but the user is refused": {
			through(failedRecord(ClassRefused, 403, `answered 403: User "prober" cannot get path`)), replicasWith(fine),
			v1alpha1.ReasonForbiddenToKubeAPIServer, "accepts kube-apiserver's front-proxy certificate, but its own",
		},
		"kube-apiserver is refused, and nobody says as whom": {
			through(failedRecord(ClassRefused, 403, "answered 403 Forbidden")), replicasWith(fine),
			v1alpha1.ReasonForbiddenToKubeAPIServer, "see in the server's log whom it refuses",
		},
		"a replica does not authenticate the operator": {
			through(fine), replicasWith(failedRecord(ClassRefused, 401, "answered 401 Unauthorized")),
			v1alpha1.ReasonProbeForbidden, "does not authenticate the token",
		},
		"a replica takes the operator for an anonymous user": {
			through(fine), replicasWith(failedRecord(ClassRefused, 403, `answered 403: User "system:anonymous" cannot`)),
			v1alpha1.ReasonProbeForbidden, "does not authenticate the token",
		},
		"kube-apiserver is busy": {
			through(failedRecord(ClassServerError, http.StatusTooManyRequests, "answered 429")), replicasWith(fine),
			v1alpha1.ReasonKubeAPIServerBusy, "flow control",
		},
		"the only kube-apiserver gets no answer": {
			through(failedRecord(ClassServerError, 503, "error trying to reach service: context deadline exceeded")),
			replicasWith(fine), v1alpha1.ReasonNetworkBlocked, "answers the operator in 4ms; kube-apiserver gets no answer",
		},
		"one of two kube-apiservers gets no answer": {
			through(failedRecord(ClassServerError, 503, "error trying to reach service: context deadline exceeded"), fine),
			replicasWith(fine), v1alpha1.ReasonNetworkBlocked,
			"answers the operator in 4ms; the other kube-apiservers reach it, but all report one status",
		},
		"one kube-apiserver finds it unavailable": {
			through(failedRecord(ClassServerError, 503, "answered 503: service unavailable"), fine), replicasWith(fine),
			v1alpha1.ReasonNotProxied, "10.0.0.1",
		},
		"one kube-apiserver has not loaded it": {
			through(fine, failedRecord(ClassMissing, 404, "answered 404")), replicasWith(fine),
			v1alpha1.ReasonNotProxied, "10.0.0.2",
		},
		"one kube-apiserver is unreachable, another one is slow": {
			through(failedRecord(ClassUnreachable, 0, "dial: connection refused"), slow), replicasWith(fine),
			v1alpha1.ReasonNetworkSlow, "10.0.0.2",
		},
		"kube-apiserver cannot be reached": {
			through(failedRecord(ClassUnreachable, 0, "dial: connection refused")), replicasWith(fine),
			v1alpha1.ReasonKubeAPIServerUnreachable, "connection refused",
		},
		"kube-apiserver hangs since a request was sent": {
			through(lastly(failedRecord(ClassTimeout, 0, "no complete answer within 6s"), ClassUnreachable)),
			replicasWith(fine), v1alpha1.ReasonKubeAPIServerUnreachable, "no connection",
		},
		"a replica cannot be reached": {
			through(fine), replicasWith(failedRecord(ClassUnreachable, 0, "dial: no route"), fine),
			v1alpha1.ReasonReplicaUnreachable,
			"failed directly from Pod api-a: dial: no route; the other replica, Pod api-b, answers in 4ms; look at the Pod",
		},
		"only the operator reaches no replica": {
			through(fine), replicasWith(failedRecord(ClassUnreachable, 0, "no connection within 6s")),
			v1alpha1.ReasonOperatorBlocked, "requests are served",
		},
		"the operator reaches neither kube-apiserver nor a replica": {
			through(failedRecord(ClassUnreachable, 0, "no connection within 6s")),
			replicasWith(failedRecord(ClassUnreachable, 0, "no connection within 6s")),
			v1alpha1.ReasonOperatorBlocked, "requests are served",
		},
		"no replica can be reached": {
			through(slow), replicasWith(failedRecord(ClassUnreachable, 0, "no connection within 6s")),
			v1alpha1.ReasonReplicaUnreachable, "no connection within 6s; no replica is known to be healthy",
		},
		"a bad replica is ejected, and the operator does not reach kube-apiserver": {
			through(failedRecord(ClassUnreachable, 0, "dial: connection refused")),
			changed(replicasWith(slow, fine), ejected), v1alpha1.ReasonKubeAPIServerUnreachable, "connection refused",
		},
		"no token to probe with": {
			through(fine), replicasWith(failedRecord(ClassNotSent, 0, "no token")), v1alpha1.ReasonProbeNotPossible, "no token",
		},
		"no token to probe with, and clients are affected": {
			through(slow), replicasWith(failedRecord(ClassNotSent, 0, "no token")), v1alpha1.ReasonLimitExceeded,
			"took 6.2s through kube-apiserver 10.0.0.1:6443 (limit 5s); the state of the replicas is unknown",
		},
		"kube-apiserver's connection breaks": {
			through(failedRecord(ClassServerError, 503, "error trying to reach service: EOF")), replicasWith(fine),
			v1alpha1.ReasonConnectionBroken, "proxies in between",
		},
		"the server rejects kube-apiserver's certificate": {
			through(failedRecord(ClassServerError, 503, "error trying to reach service: remote error: tls: bad certificate")),
			replicasWith(fine), v1alpha1.ReasonFrontProxyRejected, "--proxy-client-cert-file",
		},
		"/apis is slow": {
			through(fine), changed(replicasWith(fine, fine), func(s *ReplicaSubject) { s.APIs = slow }),
			v1alpha1.ReasonAggregatedDiscoveryFailed,
			"GET /apis at Pod api-a: answered after 6.2s (limit 5s); the other replica, Pod api-b, answers in 4ms",
		},
		"left out of /apis, with objects that can be deleted": {
			through(fine), changed(replicasWith(fine), leavesOut(Content{Resources: 2, Deletable: 1, MoreThanGet: 2})),
			v1alpha1.ReasonMissingInDiscovery, "left out of GET /apis by Pod api-a, which serves it (resources: 2): " +
				"kube-apiserver treats the group-version as empty, and namespace deletion leaves its objects behind",
		},
		"left out of /apis, with objects that clients look for": {
			through(fine), changed(replicasWith(fine), leavesOut(Content{Resources: 2, MoreThanGet: 1})),
			v1alpha1.ReasonMissingInDiscovery, "such as kubectl, do not find its resources; fix the server",
		},
		"left out of /apis, with resources that offer only get": {
			through(fine), changed(replicasWith(fine), leavesOut(Content{Resources: 2})),
			v1alpha1.ReasonMissingWithoutImpact, "left out of GET /apis by Pod api-a, which serves it (resources: 2); no client",
		},
		"left out of /apis without harm, and near the limit": {
			through(nearRecord(3 * time.Second)), changed(replicasWith(fine), leavesOut(Content{Resources: 2})),
			v1alpha1.ReasonNearLimit, "near the limit",
		},
		"no replica lists a resource": {
			through(fine),
			[]ReplicaSubject{empty("a"), empty("b")},
			v1alpha1.ReasonNoResources,
			"v1.wardle.example.com answers discovery without any resource: clients find nothing",
		},
		"only one replica lists no resource": {
			through(fine), append(replicasWith(fine), empty("b")), v1alpha1.ReasonWithinLimit, "",
		},
		"OpenAPI is slow": {
			through(fine), changed(replicasWith(fine), func(s *ReplicaSubject) { s.OpenAPI = slow }), v1alpha1.ReasonOpenAPISlow,
			"GET /openapi/v3 at Pod api-a: answered after 6.2s (limit 5s)",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assertFinding(t, Judge(snapshotWith(test.kubeAPIServers, test.replicas)), test.reason, test.message)
		})
	}
}

// snapshotWith returns a snapshot of a group-version that is available.
func snapshotWith(kubeAPIServers []Subject, replicas []ReplicaSubject) GroupVersionState {
	return GroupVersionState{
		Name: "v1.wardle.example.com", GroupVersion: groupVersion, Policy: testPolicy, Registered: true, Available: true,
		KubeAPIServers: kubeAPIServers, Replicas: replicas, Now: noon,
	}
}

func assertFinding(t *testing.T, got Finding, reason, message string) {
	t.Helper()
	if got.Reason != reason || !strings.Contains(got.Message, message) {
		t.Errorf("got %s: %s\nwant %s: %s", got.Reason, got.Message, reason, message)
	}
}

// While the APIService is unavailable, kube-apiserver proxies no requests, and only its own error is known.
func TestJudgeExplainsUnavailability(t *testing.T) {
	recovered := fine
	recovered.Since = noon.Add(-time.Second)
	const check = "failing or missing response from https://10.0.0.7:8443/apis/wardle.example.com/v1: "
	tests := map[string]struct {
		words    string
		replicas []ReplicaSubject
		reason   string
		message  string
	}{
		"another cause": {"", replicasWith(fine), v1alpha1.ReasonNotAvailable, "see APIServicesAvailable"},
		"no connection": {check + "dial tcp: i/o timeout", replicasWith(fine), v1alpha1.ReasonNetworkBlocked, "firewall"},
		"a proxy in between": {
			check + "Forbidden", replicasWith(fine), v1alpha1.ReasonHTTPSProxy, "Pod ranges of the cluster, and .svc",
		},
		"words that are not known": {
			check + "what is this", replicasWith(fine), v1alpha1.ReasonConnectionFailed, "for the reason that it states",
		},
		"no trust": {
			check + "x509: unknown authority", replicasWith(fine), v1alpha1.ReasonCertificateUntrusted, "caBundle",
		},
		"a certificate that is not accepted": {
			check + "bad status from https://10: 401", replicasWith(fine), v1alpha1.ReasonFrontProxyRejected,
			"does not accept kube-apiserver's front-proxy certificate",
		},
		"a refusal": {
			check + "bad status from https://10: 403", replicasWith(fine), v1alpha1.ReasonForbiddenToKubeAPIServer,
			"such as system:kube-aggregator, if it accepts the certificate",
		},
		"an error": {check + "bad status from https://10: 500", replicasWith(fine), v1alpha1.ReasonServerError, "log"},
		"a recovery": {
			check + "context deadline exceeded", replicasWith(recovered), v1alpha1.ReasonNotAvailable, "APIServicesAvailable",
		},
		"a replica in an unknown state": {
			check + "context deadline exceeded", replicasWith(fine, Record{}), v1alpha1.ReasonProbing,
			"several consecutive probes",
		},
		"a server that hangs": {
			check + "context deadline exceeded", replicasWith(failedRecord(ClassTimeout, 0, "no complete answer within 6s")),
			v1alpha1.ReasonServerSlow,
			"got no complete answer within 6s directly from Pod api-a (limit 5s): 1s waiting for it",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			snapshot := snapshotWith(nil, test.replicas)
			snapshot.Available, snapshot.CheckFailed = false, test.words
			assertFinding(t, Judge(snapshot), test.reason, test.message)
		})
	}
}

// The network is not blamed while the state of a replica is not settled.
func TestNetworkIsNotBlamedWhileAReplicaBecomesBadOrHasJustLeft(t *testing.T) {
	turning := fine
	turning.Last = slow.Last
	snapshot := snapshotWith(through(slow), replicasWith(turning, fine))
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonProbing, "several consecutive probes")
	snapshot.Replicas = replicasWith(fine)
	snapshot.Reconnects = noon.Add(-time.Second)
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonProbing, "several consecutive probes")
	if got := Judge(snapshot).Recheck; got != recheckedWithin-time.Second {
		t.Errorf("judged again after %s", got)
	}
	snapshot.Reconnects = noon.Add(-recheckedWithin)
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonNetworkSlow, "answers the operator")
}

// kube-apiserver may still be connected to an ejected replica, but not for long.
func TestEjectedReplicasAreBlamedOnlyUntilKubeAPIServerReconnects(t *testing.T) {
	snapshot := snapshotWith(through(slow), changed(replicasWith(slow, fine), ejected))
	snapshot.Reconnects = noon
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonReplicaSlow, "reconnects")
	snapshot.Reconnects = noon.Add(-recheckedWithin)
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonNetworkSlow, "Pod api-b answers the operator")
}

func TestRecoveriesAreJudgedAgainAfterKubeAPIServersNextCheck(t *testing.T) {
	recovered := fine
	recovered.Since = noon.Add(-time.Second)
	snapshot := snapshotWith(nil, replicasWith(recovered))
	snapshot.Available, snapshot.CheckFailed = false, "context deadline exceeded"
	if got := Judge(snapshot).Recheck; got != recheckedWithin-time.Second {
		t.Errorf("judged again after %s", got)
	}
}

func TestJudgeReportsStaleAndEmptyAggregatedDiscovery(t *testing.T) {
	snapshot := snapshotWith(through(fine), replicasWith(fine))
	snapshot.Empty = []string{"10.0.0.1:6443"}
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonEmpty, "empty for kube-apiserver 10.0.0.1:6443")
	snapshot.Replicas[0].Content = Content{Resources: 2, MoreThanGet: 1}
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonEmpty, "meanwhile clients that use discovery")
	snapshot.Replicas[0].Content = Content{Resources: 2}
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonMissingWithoutImpact, "10.0.0.1:6443, although the replicas answer")
	snapshot.Empty, snapshot.Stale = nil, snapshot.Empty
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonStale, "no namespace of the cluster can be deleted")
	snapshot.Replicas[0].Since = noon.Add(-time.Second)
	if got := Judge(snapshot); got.Reason != v1alpha1.ReasonProbing || got.Recheck != freshAgainWithin-time.Second {
		t.Errorf("right after a recovery: %+v", got)
	}
	snapshot.Registered = false
	assertFinding(t, Judge(snapshot), v1alpha1.ReasonNotAvailable, "see Registered")
}

func TestJudgeExplainsEachFailureOfAReplica(t *testing.T) {
	for class, want := range map[Class]cause{
		ClassUnreachable: {v1alpha1.ReasonReplicaUnreachable, "network policies"},
		ClassUntrusted:   {v1alpha1.ReasonCertificateUntrusted, "restart it"},
		ClassWrongName:   {v1alpha1.ReasonCertificateForOtherName, "name of the Service"},
		ClassExpired:     {v1alpha1.ReasonCertificateExpired, "see CertificatesReady"},
		ClassRefused:     {v1alpha1.ReasonProbeForbidden, "system:discovery"},
		ClassMissing:     {v1alpha1.ReasonGroupVersionNotServed, "spec.groups"},
		ClassRedirected:  {v1alpha1.ReasonRedirected, "follow redirects"},
		ClassServerError: {v1alpha1.ReasonServerError, "log"},
		ClassMalformed:   {v1alpha1.ReasonInvalidResponse, "not from an extension API server"},
		ClassOversized:   {v1alpha1.ReasonResponseTooLarge, "kilobytes"},
		ClassOther:       {v1alpha1.ReasonConnectionBroken, "proxies"},
	} {
		got := Judge(snapshotWith(through(fine), replicasWith(failedRecord(class, 0, "it went wrong"), fine)))
		assertFinding(t, got, want.reason, want.advice)
		assertFinding(t, got, want.reason, "failed directly from Pod api-a: it went wrong")
	}
}

func TestStandingOfAReplicaIsTheWorstOfAllDocuments(t *testing.T) {
	replica := Replica{}
	replica.Address, replica.Pod = "10.0.0.7:8443", "api-a"
	other := schema.GroupVersion{Group: groupVersion.Group, Version: "v2"}
	recovering, turning := slow, fine
	recovering.Last, turning.Last = fine.Last, slow.Last
	target := Target{Policy: testPolicy}
	records := func(apis, v1, v2 Record) Round {
		return NewRound(target, Records{
			documentAt(replica, DocumentAPIs):    apis,
			documentAt(replica, DocumentOpenAPI): slow,
			AtEndpoint(replica, groupVersion):    v1,
			AtEndpoint(replica, other):           v2,
		})
	}
	tests := map[string]struct {
		round Round
		want  Standing
		why   string
	}{
		"all good":           {records(fine, fine, fine), Healthy, ""},
		"one not probed yet": {records(fine, fine, Record{}), Unsettled, ""},
		"one slow": {
			records(fine, Record{}, slow), Unhealthy, "GET /apis/wardle.example.com/v2: answered after 6.2s",
		},
		"/apis slow":             {records(slow, fine, fine), Unhealthy, "GET /apis: answered after 6.2s"},
		"bad, but for the last":  {records(fine, recovering, fine), Unsettled, ""},
		"good, but for the last": {records(fine, turning, fine), Unsettled, ""},
		"operator has no token":  {records(fine, failedRecord(ClassNotSent, 0, "no token"), fine), Unsettled, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, _, why := test.round.StandingOf(replica, []schema.GroupVersion{groupVersion, other})
			if got != test.want || why != test.why {
				t.Errorf("got %v because %q", got, why)
			}
		})
	}
}
