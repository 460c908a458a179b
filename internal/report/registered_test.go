// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

const secondName = "v2.wardle.example.com"

// withSecondVersion adds a group-version to the spec, with the standing of the claim to it.
func withSecondVersion(s *snapshot.Snapshot, standing claims.Standing) {
	s.Spec.Groups[0].Versions = append(s.Spec.Groups[0].Versions, v1alpha1.APIVersion{Name: "v2"})
	second := snapshottest.GroupVersion
	second.Version = "v2"
	snapshottest.Change(&s.Claims, func(all *[]claims.Claim) {
		*all = append(*all, claims.Claim{GroupVersion: second, Standing: standing})
	})
}

func TestRegisteredReportsTheFirstGroupVersionThatIsNotRegisteredAsWanted(t *testing.T) {
	fails := finding.Bad(v1alpha1.ReasonProbeFailed, "it fails", finding.Working)
	contested := finding.Bad(v1alpha1.ReasonContested, "it is contested", finding.Stalled)
	blocked := plan.GroupVersion{Name: apiServiceName, Obstacle: fails}
	held := plan.GroupVersion{
		Name: apiServiceName, Obstacle: plan.NotClaimed("it", ownership.Owner{Words: "another owner"}),
	}
	kept, changed := blocked, blocked
	kept.Existing, changed.Existing = snapshottest.APIService(), snapshottest.APIService()
	changed.Obstacle = contested
	done := plan.GroupVersion{Name: secondName}
	blockedSecond := plan.GroupVersion{Name: secondName, Obstacle: fails}
	tests := map[string]struct {
		namespace snapshot.Namespace
		came      []plan.GroupVersion
		status    metav1.ConditionStatus
		reason    string
		message   string
	}{
		"all are registered": {
			came: []plan.GroupVersion{done}, status: "True", reason: v1alpha1.ReasonRegistered,
			message: "all 1 group-versions",
		},
		"one is blocked": {
			came: []plan.GroupVersion{done, blocked}, status: "False", reason: v1alpha1.ReasonProbeFailed,
			message: apiServiceName + ": it fails",
		},
		"a change is blocked": {
			came: []plan.GroupVersion{kept}, status: "False", reason: v1alpha1.ReasonProbeFailed,
			message: "it fails. Until then the APIService stays as it was.",
		},
		"one belongs to another owner": {
			came: []plan.GroupVersion{held, done}, status: "False", reason: v1alpha1.ReasonNotClaimed,
			message: apiServiceName + ": it belongs to another owner, see Claimed",
		},
		"one belongs to another owner, and one is blocked": {
			came: []plan.GroupVersion{held, blockedSecond}, status: "False", reason: v1alpha1.ReasonProbeFailed,
			message: secondName + ": it fails",
		},
		"another owner keeps changing one": {
			came: []plan.GroupVersion{changed}, status: "False", reason: v1alpha1.ReasonContested,
			message: apiServiceName + ": it is contested",
		},
		"the namespace is terminating": {
			namespace: snapshot.Terminating, status: "False", reason: v1alpha1.ReasonNamespaceTerminating, message: "removed",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Namespace = snapshot.Of(test.namespace, nil)
			got := reconciled(s, test.came...).registered()
			findingtest.Expect(t, got, test.status, test.reason, test.message)
			if stays := strings.Contains(got.Message(), "stays as it was"); stays != (name == "a change is blocked") {
				t.Errorf("the APIService stays as it was: %q", got.Message())
			}
		})
	}
}

func TestRegisteredIsInProgressWhileObjectsOfWhatGoesAreCounted(t *testing.T) {
	r := reconciled(snapshottest.New(), plan.GroupVersion{Name: apiServiceName})
	r.Outcome.Counting = []string{"wardle.example.com/v1alpha1"}
	got := r.registered()
	findingtest.Expect(t, got, "True", v1alpha1.ReasonRegistered,
		"wardle.example.com/v1alpha1 will be unregistered when its objects have been counted")
	if got.Progress != finding.Working {
		t.Errorf("its progress is %d", got.Progress)
	}
}

func TestWhatIsNotRegisteredIsNotAvailable(t *testing.T) {
	waits := finding.Bad(v1alpha1.ReasonProbing, "wait", finding.Working)
	own := plan.GroupVersion{Name: apiServiceName, Existing: snapshottest.APIService()}
	missing := plan.GroupVersion{Name: apiServiceName, Obstacle: waits}
	held := plan.GroupVersion{Name: secondName, Obstacle: plan.NotClaimed("it", ownership.Owner{})}
	passes := discovery.NewRound(discovery.Target{}, discovery.Records{snapshottest.ThroughKubeAPIServer("a"): {}})
	unavailable := func(s *snapshot.Snapshot) {
		snapshottest.Register(s, snapshottest.CheckFailed("connection refused"))
	}
	tests := map[string]struct {
		came            []plan.GroupVersion
		change          func(*snapshot.Snapshot)
		status          metav1.ConditionStatus
		reason, message string
	}{
		"all are available": {
			[]plan.GroupVersion{own}, func(*snapshot.Snapshot) {}, "True", v1alpha1.ReasonAllAvailable, "every APIService",
		},
		"one is not registered": {
			[]plan.GroupVersion{missing},
			snapshottest.Unregister,
			"False", v1alpha1.ReasonNotRegistered, apiServiceName + " is not registered, see Registered",
		},
		"one has just been deleted again": {
			[]plan.GroupVersion{missing},
			func(*snapshot.Snapshot) {},
			"False", v1alpha1.ReasonNotRegistered, apiServiceName + " is not registered, see Registered",
		},
		"one belongs to another owner": {
			[]plan.GroupVersion{held, own},
			func(s *snapshot.Snapshot) { withSecondVersion(s, claims.Held) },
			"False", v1alpha1.ReasonNotRegistered, secondName + " is not registered, see Claimed",
		},
		"one belongs to another owner, and one is unavailable": {
			[]plan.GroupVersion{held, own},
			func(s *snapshot.Snapshot) { withSecondVersion(s, claims.Held); unavailable(s) },
			"False", "FailedDiscoveryCheck", apiServiceName + " as unavailable: connection refused",
		},
		"all belong to another owner": {
			[]plan.GroupVersion{held},
			func(s *snapshot.Snapshot) {
				snapshottest.Unregister(s)
				snapshottest.Change(&s.Claims, func(all *[]claims.Claim) { (*all)[0].Standing = claims.Held })
			},
			"False", v1alpha1.ReasonNotRegistered, secondName + " is not registered, see Claimed",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Probes = passes
			test.change(s)
			findingtest.Expect(t, reconciled(s, test.came...).available(), test.status, test.reason, test.message)
		})
	}
}

func TestADryRunOfAnAdoptionReportsWhetherTheOtherOwnersAPIServiceIsAvailable(t *testing.T) {
	s := snapshottest.New()
	held := plan.GroupVersion{
		Name: apiServiceName, Claim: claims.Claim{APIService: s.Existing(snapshottest.GroupVersion)},
		AdoptionChanges: []v1alpha1.FieldChange{{Field: "spec.service"}},
	}
	if got := Of(reconciled(s, held)).Status.APIServices[0].Available; got != metav1.ConditionTrue {
		t.Errorf("it is reported as %s", got)
	}
	held.AdoptionChanges = nil
	if got := Of(reconciled(s, held)).Status.APIServices[0].Available; got != metav1.ConditionUnknown {
		t.Errorf("without a dry run it is reported as %s", got)
	}
}

func TestTheStatusOfAnAPIServiceKeepsItsFiguresAndNamesTheOtherOwner(t *testing.T) {
	s := snapshottest.New()
	s.Status.APIServices = []v1alpha1.APIServiceStatus{
		{Name: apiServiceName, Discovery: took(1)}, {Name: "v1alpha1.wardle.example.com"},
	}
	other := v1alpha1.Owner{Kind: "HelmRelease", Name: "wardle"}
	status := Of(reconciled(s,
		plan.GroupVersion{Name: apiServiceName, Existing: s.Existing(snapshottest.GroupVersion)},
		plan.GroupVersion{
			Name: secondName, Claim: claims.Claim{Owner: ownership.Owner{Reference: other}},
			AdoptionChanges: make([]v1alpha1.FieldChange, maxAdoption+1),
		},
	)).Status
	if len(status.APIServices) != 2 {
		t.Fatalf("there are %d", len(status.APIServices))
	}
	first, second := status.APIServices[0], status.APIServices[1]
	if first.Available != metav1.ConditionStatus(apiregistrationv1.ConditionTrue) || first.Discovery == nil ||
		first.HeldBy != nil {
		t.Errorf("the first is %+v", first)
	}
	if second.Available != metav1.ConditionUnknown || second.HeldBy == nil || *second.HeldBy != other ||
		len(second.AdoptionChanges) != maxAdoption {
		t.Errorf("the second is %+v", second)
	}
}
