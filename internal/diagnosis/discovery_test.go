// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// probed returns a snapshot with what was answered through a kube-apiserver, and directly by the replica.
func probed(through, direct discovery.Record) *snapshot.Snapshot {
	return withProbes(snapshottest.New(), through, direct)
}

func withProbes(s *snapshot.Snapshot, through, direct discovery.Record) *snapshot.Snapshot {
	s.Probes = snapshottest.Round(s, through, direct)
	return s
}

func withAggregated(s *snapshot.Snapshot, aggregated snapshot.Aggregated) *snapshot.Snapshot {
	s.Aggregated[groupVersion] = aggregated
	return s
}

// discoveryOf is what is found when kube-apiserver never reconnected.
func discoveryOf(s *snapshot.Snapshot) finding.Finding {
	found, _ := Discovery(s, time.Time{})
	return found
}

func TestDiscoveryNamesTheSlowestReplica(t *testing.T) {
	near := snapshottest.Record(discovery.Healthy, 3*time.Second)
	near.Near = true
	tests := map[string]struct {
		probed          *snapshot.Snapshot
		status          metav1.ConditionStatus
		reason, message string
		warning         bool
	}{
		"within the limit": {probed(fine, fine), "True", "WithinLimit", "within 5s", false},
		"near the limit":   {probed(near, fine), "True", "NearLimit", "answers in 3s", true},
		"not probed yet":   {snapshottest.New(), "Unknown", "Probing", "several consecutive probes", true},
		"too slow": {
			probed(slow, slow), "False", "ServerSlow",
			apiServiceName + " took 6.2s through kube-apiserver 10.0.0.1:6443 (limit 5s): 6.2s waiting for Pod api-7c9", true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := discoveryOf(test.probed)
			findingtest.Expect(t, got, test.status, test.reason, test.message)
			if got.IsWarning() != test.warning {
				t.Errorf("it is a warning: %t", got.IsWarning())
			}
		})
	}
}

func TestTheWorstGroupVersionIsReported(t *testing.T) {
	s := snapshottest.New()
	s.Spec.Groups[0].Versions = append(s.Spec.Groups[0].Versions, v1alpha1.APIVersion{Name: "v2"})
	snapshottest.Change(&s.Registered, func(registered *map[string]*apiregistrationv1.APIService) {
		(*registered)["v2.wardle.example.com"] = (*registered)[apiServiceName]
	})
	withProbes(s, fine, fine)
	second := groupVersion
	second.Version = "v2"
	maps.Copy(s.Probes.Records, discovery.Records{
		discovery.ThroughKubeAPIServer(snapshottest.KubeAPIServer, second):              slow,
		discovery.AtEndpoint(discovery.Replica{Endpoint: snapshottest.Replica}, second): slow,
	})
	findingtest.Expect(t, discoveryOf(s), "False", v1alpha1.ReasonServerSlow, "v2.wardle.example.com took 6.2s")
}

func TestAggregatedDiscoveryThatDisagreesWithTheServerIsReported(t *testing.T) {
	const kubeAPIServer = snapshottest.KubeAPIServer
	stale, empty := []string{kubeAPIServer}, []string{kubeAPIServer}
	deletable := discovery.Content{Resources: 1, Deletable: 1}
	tests := map[string]struct {
		aggregated      snapshot.Aggregated
		content         discovery.Content
		status          metav1.ConditionStatus
		reason, message string
	}{
		"nothing has lasted": {snapshot.Aggregated{}, deletable, "True", "WithinLimit", ""},
		"stale": {
			snapshot.Aggregated{Stale: stale}, deletable, "False", "Stale", "kube-apiserver " + kubeAPIServer,
		},
		"empty, and so is the server": {snapshot.Aggregated{Empty: empty}, discovery.Content{}, "True", "WithinLimit", ""},
		"empty": {
			snapshot.Aggregated{Empty: empty}, deletable, "False", "Empty", "namespace deletion leaves",
		},
		"empty, of resources that offer only get": {
			snapshot.Aggregated{Empty: empty}, discovery.Content{Resources: 1}, "True", "MissingWithoutImpact", "no client",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			direct := fine
			direct.Content = test.content
			got := discoveryOf(withAggregated(probed(fine, direct), test.aggregated))
			if got.IsWarning() != (test.status == "False") {
				t.Errorf("a warning: %v", got.IsWarning())
			}
			findingtest.Expect(t, got, test.status, test.reason, test.message)
		})
	}
}

// A restarted operator, or a new replica, knows nothing yet.
func TestWhatWasReportedStaysUntilSomethingElseIsKnown(t *testing.T) {
	const condition = v1alpha1.ConditionDiscoveryWithinLimit
	tooSlow := finding.Bad(v1alpha1.ReasonServerSlow, "it takes 7s", finding.Working)
	got := discoveryOf(after(condition, tooSlow))
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServerSlow, "it takes 7s")
	got = discoveryOf(withProbes(after(condition, tooSlow), fine, discovery.Record{}))
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServerSlow, "it takes 7s")
	got = discoveryOf(withProbes(after(condition, tooSlow), fine, fine))
	findingtest.Expect(t, got, "True", v1alpha1.ReasonWithinLimit, "")
	got = discoveryOf(after(condition, finding.Unknown(v1alpha1.ReasonNotAvailable, "")))
	findingtest.Expect(t, got, "Unknown", v1alpha1.ReasonProbing, "")
}

func TestStaleIsReportedUntilAggregatedDiscoveryIsKnown(t *testing.T) {
	unsettled := snapshot.Aggregated{}
	isStale := func() *snapshot.Snapshot {
		return after(v1alpha1.ConditionDiscoveryWithinLimit,
			finding.Bad(v1alpha1.ReasonStale, "it is marked Stale", finding.Working))
	}
	got := discoveryOf(withAggregated(withProbes(isStale(), fine, fine), unsettled))
	findingtest.Expect(t, got, "False", v1alpha1.ReasonStale, "marked Stale")
	notLooked := withProbes(isStale(), fine, fine)
	notLooked.Aggregated = nil
	findingtest.Expect(t, discoveryOf(notLooked), "False", v1alpha1.ReasonStale, "marked Stale")
	got = discoveryOf(withAggregated(withProbes(isStale(), slow, slow), unsettled))
	findingtest.Expect(t, got, "False", v1alpha1.ReasonServerSlow, "")
	got = discoveryOf(withProbes(isStale(), fine, fine))
	findingtest.Expect(t, got, "True", v1alpha1.ReasonWithinLimit, "")
}

// During an outage nothing is probed through kube-apiserver, and a restarted operator knows nothing of the replicas.
func TestARestartDuringAnOutageChangesNothing(t *testing.T) {
	s := after(v1alpha1.ConditionDiscoveryWithinLimit,
		finding.Bad(v1alpha1.ReasonServerSlow, "it takes 7s", finding.Working))
	snapshottest.Register(s, snapshottest.CheckFailed("context deadline exceeded"))
	findingtest.Expect(t, discoveryOf(s), "False", v1alpha1.ReasonServerSlow, "it takes 7s")
}

func TestAGoodResultIsNotRepeatedDuringAnOutage(t *testing.T) {
	isGood := func() *snapshot.Snapshot {
		return after(v1alpha1.ConditionDiscoveryWithinLimit,
			finding.Good(v1alpha1.ReasonWithinLimit, "every group-version answers"))
	}
	turning := fine
	turning.Last = slow.Last
	s := isGood()
	snapshottest.Register(s, snapshottest.Available(apiregistrationv1.ConditionFalse, "MissingEndpoints", "no endpoints"))
	got, _ := Discovery(withProbes(s, fine, turning), noon)
	findingtest.Expect(t, got, "Unknown", v1alpha1.ReasonNotAvailable, "see APIServicesAvailable")
	for name, known := range map[string]*snapshot.Snapshot{
		"kube-apiserver has noticed": s, "kube-apiserver has not noticed": withProbes(isGood(), fine, fine),
	} {
		t.Run(name, func(t *testing.T) {
			snapshottest.Change(&known.Endpoints, func(behind *snapshot.Endpoints) { behind.Ready = nil })
			got, _ := Discovery(known, noon)
			findingtest.Expect(t, got, "Unknown", v1alpha1.ReasonNotAvailable, "no replica is ready")
		})
	}
}

func TestAServerOutOfReachIsMeasuredThroughKubeAPIServer(t *testing.T) {
	s := probed(fine, fine)
	s.OutOfReach = finding.Bad(v1alpha1.ReasonNamespaceNotAllowed, "", finding.Stalled)
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) { behind.Ready = nil })
	findingtest.Expect(t, discoveryOf(s), "True", v1alpha1.ReasonWithinLimit, "")
}

func TestNothingIsMeasuredOfWhatIsNotRegistered(t *testing.T) {
	for name, change := range map[string]func(*snapshot.Snapshot){
		"the namespace is missing":     func(s *snapshot.Snapshot) { s.Namespace = snapshot.Of(snapshot.Missing, nil) },
		"the namespace is terminating": func(s *snapshot.Snapshot) { s.Namespace = snapshot.Of(snapshot.Terminating, nil) },
		"there is no APIService":       snapshottest.Unregister,
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			change(s)
			got, recheck := Discovery(s, time.Time{})
			findingtest.Expect(t, got, "Unknown", v1alpha1.ReasonNotAvailable, "see Registered")
			if recheck != 0 {
				t.Errorf("it is checked again after %s", recheck)
			}
		})
	}
}

func TestGroupVersionsOfOtherOwnersAreNotMeasured(t *testing.T) {
	s := snapshottest.New()
	s.Spec.Groups[0].Versions = append(s.Spec.Groups[0].Versions, v1alpha1.APIVersion{Name: "v2"})
	held := groupVersion
	held.Version = "v2"
	s.Claims = snapshot.Of([]claims.Claim{
		{GroupVersion: groupVersion}, {GroupVersion: held, Standing: claims.Held},
	}, nil)
	findingtest.Expect(t, discoveryOf(withProbes(s, fine, fine)), "True", v1alpha1.ReasonWithinLimit, "")
	s.Claims = snapshot.Of([]claims.Claim{
		{GroupVersion: groupVersion, Standing: claims.Held}, {GroupVersion: held, Standing: claims.Held},
	}, nil)
	snapshottest.Unregister(s)
	findingtest.Expect(t, discoveryOf(s), "Unknown", v1alpha1.ReasonNotAvailable, "")
}

func TestALimitBeyondThatOfKubeAPIServerIsReported(t *testing.T) {
	const warning = "kube-apiserver itself times out after 5s"
	s := snapshottest.New()
	s.Spec.Discovery.Limit = &metav1.Duration{Duration: 2 * testLimit}
	got := discoveryOf(withProbes(s, fine, fine))
	findingtest.Expect(t, got, "True", "WithinLimit", warning)
	later := after(v1alpha1.ConditionDiscoveryWithinLimit, got)
	later.Spec.Discovery = s.Spec.Discovery
	if kept := discoveryOf(later).Message(); strings.Count(kept, warning) != 1 {
		t.Errorf("the warning of a finding that is kept: %q", kept)
	}
}

func TestTheCheckOfKubeAPIServerIsTheCauseWhileTheAPIIsUnavailable(t *testing.T) {
	s := snapshottest.New()
	snapshottest.Register(s, snapshottest.CheckFailed("dial tcp 10.0.0.7:8443: i/o timeout"))
	got := discoveryOf(withProbes(s, fine, fine))
	findingtest.Expect(t, got, "False", v1alpha1.ReasonNetworkBlocked, "i/o timeout), while Pod api-7c9")
}

func TestWhatLiesBetweenIsNotTheCauseUntilKubeAPIServerHasReconnected(t *testing.T) {
	got, recheck := Discovery(probed(slow, fine), noon.Add(time.Second))
	findingtest.Expect(t, got, "Unknown", v1alpha1.ReasonProbing, "")
	if recheck <= time.Second {
		t.Errorf("it is checked again after %s, when kube-apiserver may not have reconnected yet", recheck)
	}
	got, recheck = Discovery(probed(slow, fine), noon.Add(-time.Hour))
	if got.Status != metav1.ConditionFalse || recheck != 0 {
		t.Errorf("an hour after that it is %s, and checked again after %s", got.Status, recheck)
	}
}

func TestAGoodFindingReportsThatNotEveryReplicaIsProbed(t *testing.T) {
	s := snapshottest.New()
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) {
		for i := range 99 {
			behind.Ready = append(behind.Ready, endpoints.Endpoint{Address: fmt.Sprintf("10.1.0.%d:8443", i)})
		}
	})
	if probed, all := len(s.Replicas()), len(s.Endpoints.Value().Ready); probed != all {
		t.Errorf("%d of %d replicas with one group-version are probed", probed, all)
	}
	for i := range 255 {
		s.Spec.Groups[0].Versions = append(s.Spec.Groups[0].Versions, v1alpha1.APIVersion{Name: fmt.Sprint("v", i+2)})
	}
	got := withSubset(s, finding.Good(v1alpha1.ReasonWithinLimit, "fine"))
	findingtest.Expect(t, got, "True", v1alpha1.ReasonWithinLimit,
		"fine; 14 of 100 replicas are probed: a round has at most 4096")
	got = withSubset(s, finding.Bad(v1alpha1.ReasonServerSlow, "slow", finding.Working))
	if got.Message() != "slow" {
		t.Errorf("got %+v", got)
	}
}
