// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
)

// An operator that has just started has no record of the breach for which a replica was ejected.
func TestEjectedReplicasAreProbedOnlyAtTheInterval(t *testing.T) {
	now := time.Unix(0, 0)
	target := Target{Policy: testPolicy, Replicas: []Replica{
		{Endpoint: endpoints.Endpoint{Address: "10.0.0.7:8443", Pod: "api-a"}, Ejected: true},
		{Endpoint: endpoints.Endpoint{Address: "10.0.0.8:8443", Pod: "api-b"}},
	}}
	ejected := documentAt(target.Replicas[0], DocumentAPIs)
	serving := documentAt(target.Replicas[1], DocumentAPIs)
	l := newLoop("wardle", target, newGate(nil), now)
	checkDue := func(what string, wantEjected bool) {
		t.Helper()
		isDue := l.plan(target, now)
		if isDue(ejected) != wantEjected || !isDue(serving) {
			t.Errorf("%s: probes the ejected replica: %t, want %t; probes the other one: %t, want true",
				what, isDue(ejected), wantEjected, isDue(serving))
		}
		l.remember(target, answers{samples: map[Key]Sample{ejected: {}, serving: {}}}, now)
	}
	checkDue("at the start", true)
	target.Service = "10.96.0.1:443"
	checkDue("with a changed target", false)
	now = now.Add(testPolicy.Interval)
	checkDue("after the interval", true)
}

// A container that hangs is restarted, and the Pod becomes ready again.
func TestWhatAReplicaDidBeforeItWasRestartedDoesNotCountAgainstIt(t *testing.T) {
	now := time.Unix(0, 0)
	hung := Target{Policy: testPolicy, GroupVersions: []schema.GroupVersion{groupVersion}, Replicas: []Replica{
		{Endpoint: endpoints.Endpoint{Address: "10.0.0.7:8443", Pod: "api-a"}, Since: 100},
	}}
	l := newLoop("wardle", hung, newGate(nil), now)
	fail := func() (of Records) {
		l.plan(hung, now)
		failed := map[Key]Sample{}
		for _, key := range hung.Direct() {
			failed[key] = Sample{Latency: 6 * time.Second, Err: &ProbeError{Class: ClassTimeout}}
		}
		now = now.Add(testPolicy.Interval)
		return l.remember(hung, answers{samples: failed}, now)
	}
	for range testPolicy.FailureThreshold {
		fail()
	}
	if standing := NewRound(hung, fail()).ReplicasOf(groupVersion, hung.Replicas)[0].standing(); standing != Unhealthy {
		t.Fatalf("a replica that hangs has standing %d", standing)
	}
	restarted := hung
	restarted.Replicas = []Replica{hung.Replicas[0]}
	restarted.Replicas[0].Since = 200
	if got := NewRound(hung, fail()).ReplicasOf(groupVersion, restarted.Replicas)[0].standing(); got != Unsettled {
		t.Errorf("right after its restart it has standing %d", got)
	}
	isDue := l.plan(restarted, now)
	good := map[Key]Sample{}
	for _, key := range restarted.Direct() {
		if !isDue(key) {
			t.Errorf("%v is not probed at once", key)
		}
		good[key] = Sample{}
	}
	var records Records
	for range testPolicy.SuccessThreshold {
		records = l.remember(restarted, answers{samples: good}, now)
	}
	if got := NewRound(restarted, records).ReplicasOf(groupVersion, restarted.Replicas)[0].standing(); got != Healthy {
		t.Errorf("after good answers it has standing %d", got)
	}
	if left := len(l.histories); left != len(restarted.Direct()) {
		t.Errorf("%d histories are kept, want those of the last run: %d", left, len(restarted.Direct()))
	}
}

func TestAReplicaThatReturnsAndAnswersIsNotReportedForWhatItDidBeforeItLeft(t *testing.T) {
	now := time.Unix(0, 0)
	target := Target{Policy: testPolicy, GroupVersions: []schema.GroupVersion{groupVersion}, Replicas: []Replica{
		{Endpoint: endpoints.Endpoint{Address: "10.0.0.7:8443"}},
	}}
	l := newLoop("wardle", target, newGate(nil), now)
	answer := func(target Target, sample Sample) Standing {
		l.plan(target, now)
		answered := map[Key]Sample{}
		for _, key := range target.Direct() {
			answered[key] = sample
		}
		now = now.Add(testPolicy.Interval)
		round := NewRound(target, l.remember(target, answers{samples: answered}, now))
		l.publish(round)
		if len(target.Replicas) == 0 {
			return Unsettled
		}
		return round.ReplicasOf(groupVersion, target.Replicas)[0].standing()
	}
	slow := Sample{Latency: 6 * time.Second, Err: &ProbeError{Class: ClassTimeout}}
	for range testPolicy.FailureThreshold {
		answer(target, slow)
	}
	without := target
	without.Replicas = nil
	for _, returns := range []struct {
		with Sample
		want Standing
	}{{slow, Unhealthy}, {Sample{}, Unsettled}} {
		answer(without, Sample{})
		if got := answer(target, returns.with); got != returns.want {
			t.Errorf("a replica that returns with %v has standing %d, want %d", returns.with.Err, got, returns.want)
		}
	}
}

func TestTheServiceIsProbedForWhatIsRegisteredNextAndNotInEveryRound(t *testing.T) {
	now := time.Unix(0, 0)
	target := Target{
		Policy: testPolicy, GroupVersions: []schema.GroupVersion{groupVersion}, Service: "10.96.0.1:443", Awaited: true,
		Replicas: []Replica{{Endpoint: endpoints.Endpoint{Address: "10.0.0.7:8443", Pod: "api-a"}}},
	}
	replica, service := AtEndpoint(target.Replicas[0], groupVersion), AtService(target.Service, groupVersion)
	l := newLoop("wardle", target, newGate(nil), now)
	round := func(what string, after time.Duration, want bool, replicaIs Sample) {
		t.Helper()
		now = now.Add(after)
		isDue := l.plan(target, now)
		l.client.configure(clock.RealClock{}, target)
		samples := map[Key]Sample{}
		for key, sample := range map[Key]Sample{replica: replicaIs, service: {}} {
			if isDue(key) {
				samples[key] = sample
			}
		}
		if _, probed := samples[service]; probed != want {
			t.Errorf("%s: the Service is probed: %t, want %t", what, probed, want)
		}
		l.remember(target, answers{samples: samples}, now)
	}
	failed := Sample{Err: &ProbeError{Class: ClassTimeout}}
	round("at first", 0, true, Sample{})
	round("while a registration waits", testPolicy.Interval, true, Sample{})
	target.Awaited, target.Registered = false, []schema.GroupVersion{groupVersion}
	round("once it is registered", time.Second, false, Sample{})
	round("at the interval", testPolicy.Interval, false, Sample{})
	target.CABundle = []byte("another one")
	round("with another bundle", time.Second, true, Sample{})
	round("at the next interval", testPolicy.Interval, false, failed)
	round("when the replica has failed", testPolicy.Interval, true, Sample{})
	round("when it has recovered", testPolicy.Interval, false, Sample{})
	round("after a while", serviceInterval, true, Sample{})
	target.Awaited = true
	target.GroupVersions = append(target.GroupVersions, schema.GroupVersion{Group: "b", Version: "v1"})
	round("when another group-version is added", time.Second, true, Sample{})
}

func TestWhatKubeAPIServerNowSendsRequestsForIsProbedThroughItAtOnce(t *testing.T) {
	now := time.Unix(0, 0)
	target := Target{
		Policy: testPolicy, GroupVersions: []schema.GroupVersion{groupVersion},
		Replicas: []Replica{
			{Endpoint: endpoints.Endpoint{Address: "10.0.0.7:8443", Pod: "api-a"}},
			{Endpoint: endpoints.Endpoint{Address: "10.0.0.8:8443", Pod: "api-b"}},
		},
	}
	good, bad := AtEndpoint(target.Replicas[0], groupVersion), AtEndpoint(target.Replicas[1], groupVersion)
	through := ThroughKubeAPIServer("10.0.0.1:6443", groupVersion)
	l := newLoop("wardle", target, newGate(nil), now)
	l.plan(target, now)
	failed := Sample{Err: &ProbeError{Class: ClassServerError, Status: http.StatusServiceUnavailable}}
	for range testPolicy.SuccessThreshold {
		l.remember(target, answers{samples: map[Key]Sample{good: {}, bad: failed, through: failed}}, now)
	}
	target.Registered = []schema.GroupVersion{groupVersion}
	isDue := l.plan(target, now.Add(time.Second))
	for key, want := range map[Key]bool{through: true, bad: true, good: false} {
		if got := isDue(key); got != want {
			t.Errorf("%v is probed: %t, want %t", key, got, want)
		}
	}
}
