// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestRevertsOfAContendedObjectBackOff(t *testing.T) {
	clock := clocktesting.NewFakeClock(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	applier := New(nil, nil, clock)
	id := objectID{apiregistrationv1.SchemeGroupVersion.WithKind("APIService"), client.ObjectKey{Name: "v1.example.com"}}
	reverts := 0
	for range 600 { // 10 minutes
		err := applier.checkRevert(id, &apiregistrationv1.APIService{})
		fight, isFight := errors.AsType[*ContentionError](err)
		switch {
		case err == nil:
			applier.recordRevert(id)
			reverts++
		case !isFight || fight.RetryAfter <= 0 || fight.RetryAfter > lastPause:
			t.Fatalf("unexpected: %v", err)
		}
		clock.Step(time.Second)
	}
	if reverts < 10 || reverts > 20 {
		t.Errorf("it was reverted %d times in 10 minutes", reverts)
	}
	clock.Step(3 * lastPause)
	for range 2 {
		if err := applier.checkRevert(id, &apiregistrationv1.APIService{}); err != nil {
			t.Errorf("after a quiet period, a change is not reverted immediately: %v", err)
		}
		applier.recordRevert(id)
		clock.Step(firstPause)
	}
}

func TestLaggingCacheIsNotARepair(t *testing.T) {
	applier := New(nil, nil, clocktesting.NewFakeClock(time.Now()))
	id := objectID{apiregistrationv1.SchemeGroupVersion.WithKind("APIService"), client.ObjectKey{Name: "v1.example.com"}}
	configuration := sha256.Sum256([]byte("wanted"))
	seen := &apiregistrationv1.APIService{ObjectMeta: metav1.ObjectMeta{UID: "1", ResourceVersion: "100"}}
	applier.remember(id, newRecord(seen, configuration))
	for resourceVersion, want := range map[string]bool{"99": false, "100": true, "101": true} {
		seen.ResourceVersion = resourceVersion
		if got := applier.isRepair(id, seen, configuration); got != want {
			t.Errorf("written at 100, seen at %s: repair is %t", resourceVersion, got)
		}
	}
	if applier.isRepair(id, seen, sha256.Sum256([]byte("something else"))) {
		t.Error("a new configuration counts as a repair")
	}
}

func TestAWriteThatChangesNothingIsNoRevert(t *testing.T) {
	kind := appsv1.SchemeGroupVersion.WithKind("Deployment")
	for resourceVersion, want := range map[string]bool{"100": false, "101": true} {
		applier := New(nil, nil, clocktesting.NewFakeClock(time.Now()))
		r := request{
			id: objectID{kind, client.ObjectKey{Name: "shop"}}, wanted: &unstructured.Unstructured{Object: map[string]any{}},
			current: &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "100"}},
		}
		r.wanted.SetResourceVersion(resourceVersion)
		applier.reverted(r, nil)
		if counts := applier.reverts.Get(nameOf(kind.Kind, r.id.key)) > 0; counts != want {
			t.Errorf("from version 100 to %s it counts as a revert: %t", resourceVersion, counts)
		}
	}
}

func TestVersionOfAnAPIServiceIgnoresItsStatus(t *testing.T) {
	apiService := &apiregistrationv1.APIService{}
	before := version(apiService)
	apiService.ResourceVersion = "2"
	apiService.Status.Conditions = []apiregistrationv1.APIServiceCondition{{Type: apiregistrationv1.Available}}
	if after := version(apiService); after != before {
		t.Errorf("a change of the status made version %s from %s", after, before)
	}
	apiService.Spec.VersionPriority = 7
	if version(apiService) == before {
		t.Error("a change of the spec does not change the version")
	}
}
