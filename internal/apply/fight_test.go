// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestWhatSomebodyKeepsChangingIsPutBackEverMoreSeldom(t *testing.T) {
	clock := clocktesting.NewFakeClock(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	applier := New(nil, nil, "owner", clock)
	id := objectID{apiregistrationv1.SchemeGroupVersion.WithKind("APIService"), client.ObjectKey{Name: "v1.example.com"}}
	configuration := [sha256.Size]byte{}
	applier.remember(id, record{})
	putBack := 0
	for range 600 { // 10 minutes
		err := applier.mayPutBack(id, &apiregistrationv1.APIService{}, configuration)
		fight, fought := errors.AsType[*FightError](err)
		switch {
		case err == nil:
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
		if err := applier.mayPutBack(id, &apiregistrationv1.APIService{}, configuration); err != nil {
			t.Errorf("after some quiet, a change is not put back at once: %v", err)
		}
		clock.Step(firstPause)
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
