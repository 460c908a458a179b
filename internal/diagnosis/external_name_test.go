// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// behind returns a snapshot with another owner's Service, whose APIService was created at noon.
func behind(service *corev1.Service) *snapshot.Snapshot {
	s := snapshottest.BehindExistingService()
	snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) { behind.Service = service })
	return s
}

// checked makes a check of the APIService end so long after that was created.
func checked(s *snapshot.Snapshot, sinceCreation time.Duration, check apiregistrationv1.APIServiceCondition) {
	check.LastTransitionTime = metav1.NewTime(noon.Add(sinceCreation))
	snapshottest.Register(s, check)
	s.Existing(groupVersion).CreationTimestamp = metav1.NewTime(noon)
}

func TestOnlyAnAPIServiceThatWasNeverServedIsDeletedAgain(t *testing.T) {
	https := corev1.ServicePort{Name: "https", Port: 443}
	headless, routable := serviceAt("None", https), serviceAt("10.0.0.1", https)
	passed := snapshottest.Available(apiregistrationv1.ConditionTrue, "Passed", "")
	const unknown, yes, no = metav1.ConditionUnknown, metav1.ConditionTrue, metav1.ConditionFalse
	for name, test := range map[string]struct {
		service           *corev1.Service
		sinceCreation     time.Duration
		check             apiregistrationv1.APIServiceCondition
		availableInStatus metav1.ConditionStatus
		want              bool
	}{
		"available": {headless, 0, passed, no, false},
		"refused at once, an external name": {
			externalService(), time.Second, snapshottest.CheckFailed(refusedExternalName), unknown, true,
		},
		"refused at once, headless": {headless, time.Second, snapshottest.CheckFailed(refusedHeadless), no, true},
		"refused later":             {headless, time.Hour, snapshottest.CheckFailed(refusedHeadless), no, false},
		"refused, but it was available": {
			headless, time.Second, snapshottest.CheckFailed(refusedHeadless), yes, false,
		},
		"refused, but routable by now": {
			routable, time.Second, snapshottest.CheckFailed(refusedHeadless), no, false,
		},
		"failed for another reason": {headless, time.Second, snapshottest.CheckFailed("connection refused"), no, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := behind(test.service)
			checked(s, test.sinceCreation, test.check)
			s.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: apiServiceName, Available: test.availableInStatus}}
			if got := IsRefusedRoute(s, s.Existing(groupVersion)); got != test.want {
				t.Errorf("it is deleted: %t", got)
			}
		})
	}
	if s := behind(headless); IsRefusedRoute(s, nil) || IsRefusedRoute(s, snapshottest.APIService()) {
		t.Error("one that is not there, or was not checked, is deleted")
	}
}

func TestAnExternalNameIsNotRoutedOnceKubeAPIServerHasRefusedIt(t *testing.T) {
	refused := snapshottest.CheckFailed(refusedExternalName)
	passed := snapshottest.Available(apiregistrationv1.ConditionTrue, "Passed", "")
	reported := func(s *snapshot.Snapshot) {
		snapshottest.Report(s, v1alpha1.ConditionServerAvailable, "False", v1alpha1.ReasonExternalNameNotRoutable, "")
	}
	for name, test := range map[string]struct {
		change func(*snapshot.Snapshot)
		reason string
	}{
		"nothing is registered": {snapshottest.Unregister, v1alpha1.ReasonEndpointsReady},
		"it is available": {
			func(s *snapshot.Snapshot) { snapshottest.Register(s, passed) }, v1alpha1.ReasonEndpointsReady,
		},
		"it is refused": {
			func(s *snapshot.Snapshot) { snapshottest.Register(s, refused) }, v1alpha1.ReasonExternalNameNotRoutable,
		},
		"it was refused within the last hour": {
			func(s *snapshot.Snapshot) { reported(s); snapshottest.Unregister(s) }, v1alpha1.ReasonExternalNameNotRoutable,
		},
		"it was refused an hour ago": {func(s *snapshot.Snapshot) {
			reported(s)
			snapshottest.Unregister(s)
			s.Now = s.Now.Add(time.Hour)
		}, v1alpha1.ReasonEndpointsReady},
		"it was refused, and is available": {
			func(s *snapshot.Snapshot) { reported(s); snapshottest.Register(s, passed) }, v1alpha1.ReasonEndpointsReady,
		},
		"the namespace is terminating": {
			func(s *snapshot.Snapshot) {
				snapshottest.Register(s, refused)
				s.Namespace = snapshot.Of(snapshot.Terminating, nil)
			}, v1alpha1.ReasonEndpointsReady,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := behind(externalService())
			test.change(s)
			got := Service(s)
			findingtest.Expect(t, got, got.Status, test.reason, "")
			if refused := test.reason == v1alpha1.ReasonExternalNameNotRoutable; Unroutable(s).Found() != refused {
				t.Errorf("it cannot be routed to: %t", !refused)
			}
		})
	}
}

func TestARefusedExternalNameIsTriedAgainAfterAnHour(t *testing.T) {
	since := func(reason string) *snapshot.Snapshot {
		s := snapshottest.BehindExistingService()
		snapshottest.Report(s, v1alpha1.ConditionServerAvailable, metav1.ConditionFalse, reason, "")
		return s
	}
	s := since(v1alpha1.ReasonExternalNameNotRoutable)
	if wait := ExternalNameRetry(s); wait != time.Hour {
		t.Errorf("it is tried again after %s", wait)
	}
	s.Now = noon.Add(2 * time.Hour)
	if wait := ExternalNameRetry(s); wait > 0 {
		t.Errorf("two hours later it is tried again after %s more", wait)
	}
	for _, s := range []*snapshot.Snapshot{
		snapshottest.BehindExistingService(), since(v1alpha1.ReasonServiceNotRoutable),
	} {
		if wait := ExternalNameRetry(s); wait > 0 {
			t.Errorf("with %v, it is tried again after %s", s.Status.Conditions, wait)
		}
	}
}
