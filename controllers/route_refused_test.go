// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

func TestOnlyWhatWasNeverServedIsTakenBack(t *testing.T) {
	failedAfter := func(sinceCreation time.Duration, message string) *apiregistrationv1.APIService {
		return &apiregistrationv1.APIService{
			ObjectMeta: metav1.ObjectMeta{Name: "v1.a", CreationTimestamp: metav1.NewTime(noon)},
			Status: apiregistrationv1.APIServiceStatus{Conditions: []apiregistrationv1.APIServiceCondition{{
				Type: apiregistrationv1.Available, Status: apiregistrationv1.ConditionFalse, Reason: "FailedDiscoveryCheck",
				Message: message, LastTransitionTime: metav1.NewTime(noon.Add(sinceCreation)),
			}}},
		}
	}
	available := failedAfter(0, refusedHeadless)
	available.Status.Conditions[0].Status = apiregistrationv1.ConditionTrue
	for name, test := range map[string]struct {
		existing          *apiregistrationv1.APIService
		routable          bool
		availableInStatus metav1.ConditionStatus
		wanted            bool
	}{
		"nothing":                           {nil, false, "False", false},
		"not checked yet":                   {&apiregistrationv1.APIService{}, false, "False", false},
		"available":                         {available, false, "False", false},
		"refused at once, an external name": {failedAfter(time.Second, refusedExternalName), false, "Unknown", true},
		"refused at once, headless":         {failedAfter(time.Second, refusedHeadless), false, "False", true},
		"refused later":                     {failedAfter(time.Hour, refusedHeadless), false, "False", false},
		"refused, but seen available":       {failedAfter(time.Second, refusedHeadless), false, "True", false},
		"refused, but routable by now":      {failedAfter(time.Second, refusedHeadless), true, "False", false},
		"failed for another cause":          {failedAfter(time.Second, "connection refused"), false, "False", false},
	} {
		t.Run(name, func(t *testing.T) {
			extensionAPI := &v1alpha1.ExtensionAPI{}
			extensionAPI.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: "v1.a", Available: test.availableInStatus}}
			s := &scope{ExtensionAPI: extensionAPI, before: extensionAPI}
			if !test.routable {
				s.unroutable = finding.Bad(v1alpha1.ReasonServiceNotRoutable, "", finding.Stalled)
			}
			if got := isRefusedRoute(s, test.existing); got != test.wanted {
				t.Errorf("taken back: %t", got)
			}
		})
	}
}

func TestARefusedExternalNameIsTriedAgainAfterAnHour(t *testing.T) {
	since := func(reason string) []metav1.Condition {
		return []metav1.Condition{{
			Type: v1alpha1.ConditionServerAvailable, Reason: reason, LastTransitionTime: metav1.NewTime(noon),
		}}
	}
	if until := refusedUntil(since(v1alpha1.ReasonExternalNameNotRouted)); !until.Equal(noon.Add(time.Hour)) {
		t.Errorf("it is tried again at %s", until)
	}
	for _, conditions := range [][]metav1.Condition{nil, since(v1alpha1.ReasonServiceNotRoutable)} {
		if until := refusedUntil(conditions); !until.IsZero() {
			t.Errorf("with %v, it is tried again at %s", conditions, until)
		}
	}
}
