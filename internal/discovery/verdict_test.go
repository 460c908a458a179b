// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"strings"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func goodRecord(latency time.Duration) Record {
	return Record{Standing: Good, Last: Sample{Latency: latency}, P50: latency, Samples: 1}
}

func slowRecord(latency time.Duration) Record {
	const transfer = 100 * time.Millisecond
	sample := Sample{Latency: latency, Timing: Timing{Wait: latency - transfer, Transfer: transfer}}
	return Record{Standing: Bad, Last: sample, Worst: sample}
}

func failedRecord(class Class, text string) Record {
	sample := Sample{Latency: time.Second, Err: &ProbeError{class, text}, Timing: Timing{Wait: time.Second}}
	return Record{Standing: Bad, Last: sample, Worst: sample}
}

// Each fault gives its cause and names the culprit.
func TestJudge(t *testing.T) {
	const ms = time.Millisecond
	through := func(record Record) []Subject { return []Subject{{"kube-apiserver 10.0.0.1:6443", record}} }
	replicas := func(records ...Record) (subjects []Subject) {
		for i, record := range records {
			subjects = append(subjects, Subject{"Pod api-" + string(rune('a'+i)), record})
		}
		return subjects
	}
	fine, slow := goodRecord(4*ms), slowRecord(6200*ms)
	tests := map[string]struct {
		kubeAPIServers, replicas []Subject
		unavailable              bool
		reason                   string
		message                  string
	}{
		"everything is well": {through(fine), replicas(fine, fine), false, v1alpha1.ReasonWithinLimit, "within 5s"},
		"near the limit": {
			through(goodRecord(3 * time.Second)), replicas(fine), false, v1alpha1.ReasonNearLimit,
			"took 3s at kube-apiserver 10.0.0.1",
		},
		"a replica near the limit": {
			through(fine), replicas(fine, goodRecord(4*time.Second)), false, v1alpha1.ReasonNearLimit, "took 4s at Pod api-b",
		},
		"not asked yet": {nil, nil, false, v1alpha1.ReasonProbing, "first answer"},
		"not available": {nil, replicas(fine), true, v1alpha1.ReasonNotAvailable, "see Available"},
		"one replica is slow": {
			through(slow), replicas(slow, fine), false, v1alpha1.ReasonReplicaSlow,
			"v1.wardle.example.com took 6.2s through kube-apiserver 10.0.0.1:6443 (limit 5s): 6.1s waiting for Pod api-a; " +
				"the other replica, Pod api-b, answers in 4ms",
		},
		"one replica is slow, and clients do not feel it": {
			through(fine), replicas(slow, fine, fine), false, v1alpha1.ReasonReplicaSlow,
			"took 6.2s straight from Pod api-a (limit 5s): 6.1s waiting for Pod api-a; 2 other replicas answer in 4ms",
		},
		"the server is slow": {
			through(slow), replicas(slow, slow), false, v1alpha1.ReasonServerSlow, "no replica does better; look at its CPU",
		},
		"the server hangs, and is not available": {
			nil, replicas(failedRecord(ClassTimeout, "no complete answer within 6s")), true, v1alpha1.ReasonServerSlow,
			"1s waiting for Pod api-a",
		},
		"the network is slow": {
			through(slow), replicas(fine), false, v1alpha1.ReasonNetworkSlow, "Pod api-a answers the operator in 4ms",
		},
		"the network is blocked": {
			through(failedRecord(ClassServerError, "answered 503 Service Unavailable: error trying to reach service: dial tcp")),
			replicas(fine), false, v1alpha1.ReasonNetworkBlocked, "hostNetwork",
		},
		"kube-apiserver does not trust the server": {
			through(failedRecord(ClassServerError, "answered 503: error trying to reach service: tls: x509: unknown authority")),
			replicas(fine), false, v1alpha1.ReasonCertificateUntrusted, "caBundle",
		},
		"the front proxy is refused": {
			through(failedRecord(ClassRefused, "answered 403 Forbidden")), replicas(fine), false,
			v1alpha1.ReasonFrontProxyRefused,
			"--proxy-client-cert-file",
		},
		"kube-apiserver cannot be reached": {
			through(failedRecord(ClassUnreachable, "dial: connection refused")), replicas(fine), false,
			v1alpha1.ReasonKubeAPIServerUnreachable,
			"connection refused",
		},
		"a replica cannot be reached": {
			through(fine), replicas(failedRecord(ClassUnreachable, "dial: no route"), fine), false,
			v1alpha1.ReasonReplicaUnreachable,
			"failed straight from Pod api-a: dial: no route; the other replica, Pod api-b, answers in 4ms; look at the Pod",
		},
		"no token to ask with": {
			through(fine), replicas(Record{Standing: Bad, Worst: Sample{Err: &ProbeError{ClassNotAsked, "no token"}}}), false,
			v1alpha1.ReasonProbeNotPossible, "no token",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Judge(Picture{
				Name: "v1.wardle.example.com", Limit: 5 * time.Second, Warning: 2500 * ms, Registered: true,
				Available:      !test.unavailable,
				KubeAPIServers: test.kubeAPIServers, Replicas: test.replicas,
			})
			if got.Reason != test.reason || !strings.Contains(got.Message, test.message) {
				t.Errorf("got %s: %s\nwant %s: %s", got.Reason, got.Message, test.reason, test.message)
			}
		})
	}
}

func TestJudgeExplainsEachFailureOfAReplica(t *testing.T) {
	for class, want := range map[Class]Finding{
		ClassUnreachable: {v1alpha1.ReasonReplicaUnreachable, "network policies"},
		ClassUntrusted:   {v1alpha1.ReasonCertificateUntrusted, "restart it"},
		ClassWrongName:   {v1alpha1.ReasonCertificateForOtherName, "name of the Service"},
		ClassExpired:     {v1alpha1.ReasonCertificateExpired, "see CertificatesReady"},
		ClassRefused:     {v1alpha1.ReasonProbeRefused, "system:discovery"},
		ClassMissing:     {v1alpha1.ReasonGroupVersionNotServed, "spec.groups"},
		ClassRedirected:  {v1alpha1.ReasonRedirected, "no redirect"},
		ClassServerError: {v1alpha1.ReasonServerError, "log"},
		ClassMalformed:   {v1alpha1.ReasonMalformedAnswer, "no extension API server"},
		ClassOversized:   {v1alpha1.ReasonOversizedAnswer, "kilobytes"},
		ClassOther:       {v1alpha1.ReasonConnectionBroken, "proxies"},
	} {
		got := Judge(Picture{
			Name: "v1.wardle.example.com", Limit: 5 * time.Second, Registered: true, Available: true,
			Replicas: []Subject{{"Pod api-a", failedRecord(class, "it went wrong")}},
		})
		for _, words := range []string{want.Message, "failed straight from Pod api-a: it went wrong"} {
			if got.Reason != want.Reason || !strings.Contains(got.Message, words) {
				t.Errorf("%s gives %s: %s\nwant %s: %s", class, got.Reason, got.Message, want.Reason, words)
			}
		}
	}
}
