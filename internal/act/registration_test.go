// SPDX-License-Identifier: Apache-2.0

package act

import (
	"slices"
	"testing"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestAnAPIServiceThatIsNotAppliedWhileSuspendedIsReported(t *testing.T) {
	sentTo := func(service string) *apiregistrationv1.APIService {
		existing := snapshottest.APIService()
		existing.Spec.Service = &apiregistrationv1.ServiceReference{
			Namespace: snapshottest.Namespace, Name: service, Port: new(int32(443)),
		}
		return existing
	}
	trustsMore := finding.True(v1alpha1.ReasonProbing, "it trusts more than it needs to", finding.Working)
	none := finding.Finding{}
	tests := map[string]struct {
		existing *apiregistrationv1.APIService
		obstacle finding.Finding
		message  string
	}{
		"there is none":          {nil, none, "none is created while spec.suspend is true"},
		"it leads elsewhere":     {sentTo("other"), none, "requests are sent to another Service"},
		"it leads to no Service": {snapshottest.APIService(), none, "requests are sent to another Service"},
		"it leads to the server": {sentTo(snapshottest.Name), none, ""},
		"it leads to the server, and trusts too much": {
			sentTo(snapshottest.Name), trustsMore, "",
		},
	}
	wanted := manifests.APIServices(snapshottest.New().ExtensionAPI, nil)[0]
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := dryRunObstacle(&plan.GroupVersion{Existing: test.existing, Wanted: wanted, Obstacle: test.obstacle})
			if test.message == "" {
				findingtest.Expect(t, got, test.obstacle.Status, test.obstacle.Code, test.obstacle.Message())
				return
			}
			findingtest.Expect(t, got, "False", v1alpha1.ReasonSuspended, test.message)
		})
	}
}

func TestAnAPIServiceIsAppliedUnlessSuspended(t *testing.T) {
	for name, test := range map[string]struct {
		suspended bool
		applied   int
		withheld  []string
		reason    string
	}{
		"not suspended": {false, 1, nil, ""},
		"suspended":     {true, 0, []string{"APIService " + snapshottest.APIServiceName}, v1alpha1.ReasonSuspended},
	} {
		t.Run(name, func(t *testing.T) {
			s, cluster, withheld := snapshottest.New(), &emptyCluster{}, &apply.Withheld{}
			s.Spec.Suspend = test.suspended
			g := &plan.GroupVersion{Step: plan.Apply, Wanted: manifests.APIServices(s.ExtensionAPI, nil)[0]}
			if err := executing(s, cluster, withheld).applyAPIService(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			if cluster.applied != test.applied || !slices.Equal(withheld.Names(), test.withheld) {
				t.Errorf("%d were applied, and withheld is %q", cluster.applied, withheld.Names())
			}
			if g.Obstacle.Code != test.reason {
				t.Errorf("the obstacle is %+v", g.Obstacle)
			}
		})
	}
}

func TestAnAPIServiceThatIsGoneSinceItWasObservedIsNotCreated(t *testing.T) {
	s, cluster := snapshottest.New(), &emptyCluster{}
	e := executing(s, cluster, &apply.Withheld{})
	observed, wanted := snapshottest.APIService(), manifests.APIServices(s.ExtensionAPI, nil)[0]
	err := e.applyAPIService(t.Context(), &plan.GroupVersion{Step: plan.Apply, Existing: observed, Wanted: wanted})
	if err == nil {
		err = e.retire(t.Context(), plan.Retirement{KeepUp: []plan.KeptUp{{Existing: observed, Wanted: wanted}}})
	}
	if err != nil || cluster.applied != 0 || e.out.Retry != goneRetry {
		t.Errorf("%d were applied (%v), and the next attempt is after %s", cluster.applied, err, e.out.Retry)
	}
}
