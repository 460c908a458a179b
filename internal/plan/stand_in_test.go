// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/reconnect"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

var standInService = manifests.StandInService("extensionapi-system", 443)

// dead is a snapshot of a server without a ready replica, which kube-apiserver has reported for a minute, and of a
// stand-in that can serve its discovery.
func dead(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	s := trusted(t)
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) { behind.Ready = nil })
	reportSince(s, apiregistrationv1.ConditionFalse, time.Minute)
	s.StandIn = snapshot.StandIn{
		Service: standInService, CABundle: newSigner(t).Certificate, Documented: []schema.GroupVersion{groupVersion},
		Reachable: true, KubeAPIServers: 1, Started: s.Now.Add(-time.Hour),
	}
	return s
}

// reportSince makes kube-apiserver report that status for some time.
func reportSince(s *snapshot.Snapshot, status apiregistrationv1.ConditionStatus, ago time.Duration) {
	condition := snapshottest.Available(status, "MissingEndpoints", "no addresses")
	condition.LastTransitionTime = metav1.NewTime(s.Now.Add(-ago))
	existing := s.Registered.Value()[snapshottest.APIServiceName]
	existing.Status.Conditions = []apiregistrationv1.APIServiceCondition{condition}
}

// replaced is a snapshot in which the stand-in has served the server's discovery for a minute.
func replaced(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	s := dead(t)
	reportSince(s, apiregistrationv1.ConditionTrue, time.Minute)
	existing := s.Registered.Value()[snapshottest.APIServiceName]
	existing.Spec.Service = &apiregistrationv1.ServiceReference{
		Namespace: standInService.Namespace, Name: standInService.Name, Port: new(standInService.Port),
	}
	existing.Spec.CABundle = reconnect.Mark(s.StandIn.CABundle, s.Now.Add(-time.Minute))
	s.Status.StandIn = &v1alpha1.StandInStatus{Since: new(metav1.NewTime(s.Now.Add(-time.Minute))), Switches: 1}
	return s
}

// answers makes the replica ready, with that record of its probes.
func answers(s *snapshot.Snapshot, record discovery.Record) {
	replica := discovery.Replica{Endpoint: snapshottest.Replica}
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) {
		behind.Ready = append(behind.Ready, snapshottest.Replica)
	})
	s.Probes = discovery.NewRound(targetOf(s), discovery.Records{discovery.AtEndpoint(replica, groupVersion): record})
}

func TestTheStandInBeginsWhenNoKubeAPIServerGetsAnAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*snapshot.Snapshot)
		standIn bool
		recheck time.Duration
	}{
		"no replica is ready": {func(*snapshot.Snapshot) {}, true, 0},
		"for a moment only": {
			func(s *snapshot.Snapshot) { reportSince(s, apiregistrationv1.ConditionFalse, time.Second) }, false, time.Second,
		},
		"kube-apiserver still gets an answer": {
			func(s *snapshot.Snapshot) { reportSince(s, apiregistrationv1.ConditionTrue, time.Minute) }, false, 0,
		},
		"kube-apiserver has reported nothing": {
			func(s *snapshot.Snapshot) { s.Registered.Value()[snapshottest.APIServiceName].Status.Conditions = nil }, false, 0,
		},
		"the replica hangs": {func(s *snapshot.Snapshot) { answers(s, snapshottest.Slow) }, true, 0},
		"only kube-apiserver is cut off": {
			func(s *snapshot.Snapshot) { answers(s, snapshottest.Fine) }, false, 0,
		},
		"the replica hangs, and another kube-apiserver may get an answer": {
			func(s *snapshot.Snapshot) {
				answers(s, snapshottest.Slow)
				s.StandIn.KubeAPIServers = 3
				reportSince(s, apiregistrationv1.ConditionFalse, 30*time.Second)
			}, false, 5 * time.Second,
		},
		"the replica hangs for all of three kube-apiservers": {
			func(s *snapshot.Snapshot) { answers(s, snapshottest.Slow); s.StandIn.KubeAPIServers = 3 }, true, 0,
		},
		"no replica is ready for three kube-apiservers": {
			func(s *snapshot.Snapshot) { s.StandIn.KubeAPIServers = 3 }, true, 0,
		},
		"only the operator is cut off": {
			func(s *snapshot.Snapshot) {
				answers(s, snapshottest.Slow)
				reportSince(s, apiregistrationv1.ConditionTrue, time.Minute)
			}, false, 0,
		},
		"kube-apiserver reports it available, but requests fail": {
			func(s *snapshot.Snapshot) {
				answers(s, snapshottest.Slow)
				reportSince(s, apiregistrationv1.ConditionTrue, time.Minute)
				s.Probes = snapshottest.Round(s, snapshottest.Slow, snapshottest.Slow)
			}, true, 0,
		},
		"its endpoints are unknown": {
			func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Known[snapshot.Endpoints]{} }, false, 0,
		},
		"its resources can be deleted": {func(s *snapshot.Snapshot) { s.StandIn.Documented = nil }, false, 0},
		"the stand-in has no endpoint": {func(s *snapshot.Snapshot) { s.StandIn.Reachable = false }, false, 0},
		"the stand-in has no certificate": {
			func(s *snapshot.Snapshot) { s.StandIn.CABundle = nil }, false, 0,
		},
		"the stand-in has just ended": {
			func(s *snapshot.Snapshot) {
				s.Status.StandIn = &v1alpha1.StandInStatus{Until: new(metav1.NewTime(s.Now.Add(-10 * time.Second))), Switches: 2}
			}, false, 10 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := dead(t)
			test.change(s)
			p := Plan{}
			p.register(s, targetOf(s))
			got := p.Registration.GroupVersions[0]
			if got.StandIn != test.standIn || p.Recheck != test.recheck {
				t.Errorf("it begins: %t, recheck after %s; want %t and %s", got.StandIn, p.Recheck, test.standIn, test.recheck)
			}
			if got.StandIn != (*got.Wanted.Spec.Service.Name == manifests.StandInName) {
				t.Errorf("the APIService leads to %s", *got.Wanted.Spec.Service.Name)
			}
		})
	}
}

func TestTheStandInEndsWhenTheServerAnswersOrKubeAPIServerDoesNotReachIt(t *testing.T) {
	for name, test := range map[string]struct {
		change          func(*snapshot.Snapshot)
		standIn, undone bool
		step            Step
	}{
		"no replica is ready":     {func(*snapshot.Snapshot) {}, true, false, Apply},
		"the replica is ready":    {func(s *snapshot.Snapshot) { answers(s, snapshottest.Fine) }, false, false, Apply},
		"the replica still hangs": {func(s *snapshot.Snapshot) { answers(s, snapshottest.Slow) }, true, false, Apply},
		"its endpoints are unknown": {
			func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Known[snapshot.Endpoints]{} }, true, false, Apply,
		},
		"its documents are lost": {func(s *snapshot.Snapshot) { s.StandIn.Documented = nil }, true, false, Apply},
		"it is not wanted any more": {
			func(s *snapshot.Snapshot) { s.Spec.Discovery.StandIn = v1alpha1.StandInNever }, false, false, Apply,
		},
		"kube-apiserver does not reach it": {
			func(s *snapshot.Snapshot) { reportSince(s, apiregistrationv1.ConditionFalse, 20*time.Second) }, false, true, Apply,
		},
		"kube-apiserver does not reach it yet": {
			func(s *snapshot.Snapshot) {
				reportSince(s, apiregistrationv1.ConditionFalse, time.Hour)
				existing := s.Registered.Value()[snapshottest.APIServiceName]
				existing.Spec.CABundle = reconnect.Remark(existing.Spec.CABundle, s.Now.Add(-5*time.Second))
			}, true, false, Apply,
		},
		"kube-apiserver lost it moments ago": {
			func(s *snapshot.Snapshot) { reportSince(s, apiregistrationv1.ConditionFalse, 5*time.Second) }, true, false, Apply,
		},
		"its certificate is not read yet": {func(s *snapshot.Snapshot) { s.StandIn.CABundle = nil }, true, false, Leave},
		"one of two replicas is ready": {
			func(s *snapshot.Snapshot) {
				other := endpoints.Endpoint{Address: "10.0.0.8:8443", Pod: "api-8d0"}
				snapshottest.Change(&s.Endpoints, func(b *snapshot.Endpoints) { b.Ready = append(b.Ready, other) })
				answers(s, snapshottest.Fine)
				key := discovery.AtEndpoint(discovery.Replica{Endpoint: other}, groupVersion)
				s.Probes.Records[key] = snapshottest.Failing(errors.New("refused"))
			}, false, false, Apply,
		},
		"the operator has only just started": {
			func(s *snapshot.Snapshot) {
				reportSince(s, apiregistrationv1.ConditionFalse, 20*time.Second)
				s.StandIn.Started = s.Now.Add(-5 * time.Second)
			}, true, false, Apply,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := replaced(t)
			test.change(s)
			got := nextOf(t, s).Registration.GroupVersions[0]
			if got.StandIn != test.standIn || (got.Undone != "") != test.undone || got.Step != test.step {
				t.Errorf("planned is %+v, want stand-in %t, undone %t, step %d", got, test.standIn, test.undone, test.step)
			}
		})
	}
}

func TestTheStandInIsNotProbedInPlaceOfTheServer(t *testing.T) {
	s := replaced(t)
	probe := nextOf(t, s).Probe
	if len(probe.Registered) > 0 || !probe.Awaited || !probe.Replaced {
		t.Errorf("probed is %+v", probe)
	}
}

func TestTheBundleTrustsTheServerAndTheStandIn(t *testing.T) {
	s := replaced(t)
	got := nextOf(t, s).Registration.GroupVersions[0].Wanted.Spec.CABundle
	if !pki.Covers(got, s.Trust()) || !pki.Covers(got, s.StandIn.CABundle) ||
		!reconnect.MarkOf(got).Equal(s.Now.Add(-time.Minute)) {
		t.Errorf("the bundle is %s", got)
	}
}

func TestKubeAPIServerConnectsAgainWhenTheServerIsBack(t *testing.T) {
	s := replaced(t)
	answers(s, snapshottest.Fine)
	got := string(nextOf(t, s).Registration.GroupVersions[0].Wanted.Spec.CABundle)
	if want := string(reconnect.Mark(s.Trust(), s.Now)); got != want {
		t.Errorf("the bundle is %s, want %s", got, want)
	}
}

func TestThePauseBeforeTheStandInDoubles(t *testing.T) {
	for switches, want := range map[int32]time.Duration{
		0: 0, 1: 10 * time.Second, 2: 20 * time.Second, 6: 320 * time.Second, 7: 10 * time.Minute, 1000: 10 * time.Minute,
	} {
		record := &v1alpha1.StandInStatus{Until: new(metav1.NewTime(snapshottest.Noon)), Switches: switches}
		if got := pauseLeft(record, snapshottest.Noon); got != want {
			t.Errorf("after %d switches it is %s, want %s", switches, got, want)
		}
	}
	if got := pauseLeft(nil, snapshottest.Noon); got != 0 {
		t.Errorf("without a switch it is %s", got)
	}
}

func TestDocumentsAreReadOfReplicasThatAnswerWell(t *testing.T) {
	s := trusted(t)
	s.Probes = snapshottest.Round(s, snapshottest.Fine, snapshottest.Fine)
	planned := nextOf(t, s).Documents
	if planned == nil || len(planned.Target.Replicas) != 1 || len(planned.Target.GroupVersions) != 1 {
		t.Fatalf("planned is %+v", planned)
	}
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) { behind.Ready[0].Pod = "api-other" })
	s.Probes = snapshottest.Round(s, snapshottest.Fine, snapshottest.Fine)
	if again := nextOf(t, s).Documents; again == nil || again.Version == planned.Version {
		t.Error("those of a new replica are not read")
	}
	s.Probes = snapshottest.Round(s, snapshottest.Fine, snapshottest.Slow)
	if got := nextOf(t, s).Documents; got != nil {
		t.Errorf("of a replica that does not answer well, planned is %+v", got)
	}
}

func TestWhatCanBeDeletedIsKnownAlsoOfReplicasThatAreNotRead(t *testing.T) {
	s := trusted(t)
	deletable := snapshottest.Slow
	deletable.Content.Deletable = 1
	s.Probes = snapshottest.Round(s, snapshottest.Fine, deletable)
	if got := nextOf(t, s).Documents; got == nil || !slices.Equal(got.Unsafe, []schema.GroupVersion{groupVersion}) {
		t.Errorf("planned is %+v", got)
	}
}

func TestAVersionThatIsNotWantedAnyMoreIsNotLeftToTheStandIn(t *testing.T) {
	s := replaced(t)
	s.Spec.Groups[0].Versions = []v1alpha1.APIVersion{{Name: "v2"}}
	snapshottest.Change(&s.Claims, func(all *[]claims.Claim) { (*all)[0].GroupVersion.Version = "v2" })
	keptUp := nextOf(t, s).Registration.KeepUp
	if len(keptUp) != 1 || *keptUp[0].Wanted.Spec.Service.Name == manifests.StandInName {
		t.Errorf("kept up are %+v", keptUp)
	}
}
