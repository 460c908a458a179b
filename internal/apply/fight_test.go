// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestWhatSomebodyKeepsChangingIsPutBackEverMoreSeldom(t *testing.T) {
	clock := clocktesting.NewFakeClock(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	applier := New(nil, nil, clock)
	id := objectID{apiregistrationv1.SchemeGroupVersion.WithKind("APIService"), client.ObjectKey{Name: "v1.example.com"}}
	putBack := 0
	for range 600 { // 10 minutes
		err := applier.mayPutBack(id, &apiregistrationv1.APIService{})
		fight, fought := errors.AsType[*FightError](err)
		switch {
		case err == nil:
			applier.hasPutBack(id)
			putBack++
		case !fought || fight.RetryAfter <= 0 || fight.RetryAfter > lastPause:
			t.Fatalf("unexpected: %v", err)
		}
		clock.Step(time.Second)
	}
	if putBack < 10 || putBack > 20 {
		t.Errorf("it was put back %d times in 10 minutes", putBack)
	}
	clock.Step(3 * lastPause)
	for range 2 {
		if err := applier.mayPutBack(id, &apiregistrationv1.APIService{}); err != nil {
			t.Errorf("after some quiet, a change is not put back at once: %v", err)
		}
		applier.hasPutBack(id)
		clock.Step(firstPause)
	}
}

func TestWhatComesOfALaggingCacheIsNoRepair(t *testing.T) {
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
		t.Error("a change of what is wanted counts as a repair")
	}
}

func TestOnlyWhatAnAPIServiceSaysMakesItsVersion(t *testing.T) {
	apiService := &apiregistrationv1.APIService{}
	before := version(apiService)
	apiService.ResourceVersion = "2"
	apiService.Status.Conditions = []apiregistrationv1.APIServiceCondition{{Type: apiregistrationv1.Available}}
	if after := version(apiService); after != before {
		t.Errorf("a change of the status made %s of version %s", after, before)
	}
	apiService.Spec.VersionPriority = 7
	if version(apiService) == before {
		t.Error("a change of the spec does not show in the version")
	}
}
