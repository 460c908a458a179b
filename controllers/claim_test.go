// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
)

// wanting is an ExtensionAPI of two versions of a group, created that long before noon.
func wanting(name string, age time.Duration) *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID(name), CreationTimestamp: metav1.NewTime(noon.Add(-age)),
		},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{
				Name: "shop.example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}, {Name: "v2"}},
			}},
			ExistingService: &v1alpha1.ExistingService{Namespace: name, Name: name},
		},
	}
}

func claimantsAtNoon(extensionAPIs ...*v1alpha1.ExtensionAPI) claims.World {
	world := claims.World{Now: noon}
	for _, extensionAPI := range extensionAPIs {
		world.Claimants = append(world.Claimants, claimantOf(extensionAPI))
	}
	return world
}

func TestAClaimIsLookedAtAgainWhenTheOlderOneLosesItsPrecedence(t *testing.T) {
	older, younger := wanting("older", time.Minute), wanting("younger", 0)
	world := claimantsAtNoon(older, younger)
	for extensionAPI, want := range map[*v1alpha1.ExtensionAPI]time.Duration{
		older: 0, younger: claims.PrecedenceLapse - time.Minute,
	} {
		s := newScope(extensionAPI)
		s.claim(world)
		if s.requeue != want || len(s.claims) != 2 {
			t.Errorf("%s has %d claims and is reconciled after %s, want %s", s.Name, len(s.claims), s.requeue, want)
		}
	}
}

func TestWhoHasOnlyJustServedAGroupKeepsItsPrecedence(t *testing.T) {
	older, younger := wanting("older", time.Hour), wanting("younger", 0)
	for available, want := range map[metav1.ConditionStatus]claims.Standing{
		metav1.ConditionTrue: claims.Held, metav1.ConditionFalse: claims.Granted, metav1.ConditionUnknown: claims.Granted,
	} {
		older.Status.APIServices = []v1alpha1.APIServiceStatus{{Name: "v1.shop.example.com", Available: available}}
		s := newScope(younger)
		s.claim(claimantsAtNoon(older, younger))
		if got := s.claims[1].Standing; got != want {
			t.Errorf("while the older one's was available %s, the claim is %d, want %d", available, got, want)
		}
	}
}
