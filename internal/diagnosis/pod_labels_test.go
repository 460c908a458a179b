// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestLabelsAreReportedByWhichAnEarlierServerSelectsPods(t *testing.T) {
	matching := func(labels map[string]string) metav1.LabelSelector { return metav1.LabelSelector{MatchLabels: labels} }
	service := func(selector metav1.LabelSelector) snapshot.Selector {
		return snapshot.Selector{Kind: "Service", Name: "earlier", Selector: selector}
	}
	app := map[string]string{"app": "shop"}
	for name, test := range map[string]struct {
		template map[string]string
		by       snapshot.Selector
		says     []string
	}{
		"none": {nil, service(matching(app)), nil},
		"one": {
			map[string]string{"app": "shop", "team": "stock"},
			service(matching(app)),
			[]string{"Service wardle-system/earlier", "the template has app=shop. Requests for the earlier server"},
		},
		"several": {
			map[string]string{"app": "shop", "tier": "api"},
			service(matching(map[string]string{"app": "shop", "tier": "api"})),
			[]string{"the template has app=shop, tier=api. "},
		},
		"only some": {
			app, service(matching(map[string]string{"app": "shop", "tier": "api"})), nil,
		},
		"of a budget": {
			app,
			snapshot.Selector{Kind: "PodDisruptionBudget", Name: "earlier", Selector: matching(app)},
			[]string{"PodDisruptionBudget wardle-system/earlier", "cannot be evicted"},
		},
		"by an expression": {
			app, service(metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "app", Operator: metav1.LabelSelectorOpExists}, {Key: "team", Operator: metav1.LabelSelectorOpDoesNotExist},
			}}),
			[]string{"the template has app=shop. "},
		},
		"all Pods":            {app, service(metav1.LabelSelector{}), nil},
		"the operator's own":  {app, service(matching(manifests.ServerLabels(snapshottest.Name))), nil},
		"an invalid selector": {app, service(matching(map[string]string{"a b": "c"})), nil},
		"labels that differ":  {map[string]string{"app": "new"}, service(matching(app)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Spec.Server.Template.Labels = test.template
			s.Selectors = snapshot.Of([]snapshot.Selector{test.by}, nil)
			found := PodLabelsInUse(s)
			if found.Found() != (test.says != nil) {
				t.Fatalf("found %q", found.Message())
			}
			for _, part := range test.says {
				if !strings.Contains(found.Message(), part) {
					t.Errorf("message %q lacks %q", found.Message(), part)
				}
			}
		})
	}
}

func TestLabelsOfControllersAreReportedByWhichAnEarlierServerSelectsPods(t *testing.T) {
	s := snapshottest.New()
	s.Spec.Controllers = []v1alpha1.Controller{{Name: "flunders"}, {Name: "fischers"}}
	s.Spec.Controllers[0].Template.Labels = map[string]string{"app": "shop"}
	s.Selectors = snapshot.Of([]snapshot.Selector{{
		Kind: "Service", Name: "earlier", Selector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
	}}, nil)
	controllers := manifests.ControllersOf(s.ExtensionAPI)
	findingtest.Expect(t, ControllerLabelsInUse(s, controllers[0]), metav1.ConditionFalse, v1alpha1.ReasonPodLabelsInUse,
		"would be sent to Pods that do not serve it. Remove one of these labels from "+
			"spec.controllers[flunders].template.metadata.labels")
	if found := ControllerLabelsInUse(s, controllers[1]); found.Found() {
		t.Errorf("of one without labels is found %q", found.Message())
	}
	if found := PodLabelsInUse(s); found.Found() {
		t.Errorf("of the server is found %q", found.Message())
	}
}

func TestAServerThatRunsAlreadyStaysAvailableWhenItsLabelsAreInUse(t *testing.T) {
	s := snapshottest.New()
	s.Spec.Server.Template.Labels = map[string]string{"app": "shop"}
	s.Selectors = snapshot.Of([]snapshot.Selector{{
		Kind: "Service", Name: "earlier", Selector: metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
	}}, nil)
	if found := PodLabelsInUse(s); found.Status != metav1.ConditionFalse || found.Code != v1alpha1.ReasonPodLabelsInUse {
		t.Errorf("a new server is %s %s", found.Status, found.Code)
	}
	snapshottest.Change(&s.Server, func(server *snapshot.Workload) {
		server.Deployment = &appsv1.Deployment{Status: appsv1.DeploymentStatus{AvailableReplicas: 1}}
	})
	if found := PodLabelsInUse(s); found.Status != metav1.ConditionTrue || !found.IsWarning() {
		t.Errorf("a server that runs is %s", found.Status)
	}
}
