// SPDX-License-Identifier: Apache-2.0

package observe_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/claims"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/observe/observetest"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

const group = "shop.example.com"

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// wanting is an ExtensionAPI of one version of the group.
func wanting(name, version string, created time.Time) *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID("uid-of-" + name), CreationTimestamp: metav1.NewTime(created),
		},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups:          []v1alpha1.APIGroup{{Name: group, Versions: []v1alpha1.APIVersion{{Name: version}}}},
			ExistingService: &v1alpha1.ExistingService{Namespace: name, Name: name},
		},
	}
}

// registeredBy is the APIService of an ExtensionAPI that wants one version.
func registeredBy(owner *v1alpha1.ExtensionAPI) *apiregistrationv1.APIService {
	version := owner.Spec.Groups[0].Versions[0].Name
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{
			Name: version + "." + group, Labels: map[string]string{manifests.OwnerLabel: owner.Name},
			Annotations: map[string]string{manifests.UIDAnnotation: string(owner.UID)},
		},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: group, Version: version,
			Service: &apiregistrationv1.ServiceReference{Namespace: owner.Name, Name: owner.Name},
		},
	}
}

func TestAClaimIsDecidedByTheAPIServicesThatThereAreNow(t *testing.T) {
	own := wanting("own", "v1", noon)
	younger, older := wanting("rival", "v2", noon.Add(time.Second)), wanting("rival", "v2", noon.Add(-time.Second))
	same, ended := wanting("rival", "v1", noon.Add(time.Second)), wanting("ended", "v1", noon.Add(-time.Hour))
	for name, test := range map[string]struct {
		cached, live []client.Object
		want         claims.Standing
	}{
		"nothing is registered":                        {[]client.Object{own, younger}, nil, claims.Granted},
		"an older one has not registered anything yet": {[]client.Object{own, older}, nil, claims.Held},
		"a rival has just registered another version": {
			[]client.Object{own, younger}, []client.Object{registeredBy(younger)}, claims.Held,
		},
		"a rival has just registered the same version": {
			[]client.Object{own, same}, []client.Object{registeredBy(same)}, claims.Held,
		},
		"another owner has just registered the same version, without any mark": {
			[]client.Object{own}, []client.Object{&apiregistrationv1.APIService{
				ObjectMeta: metav1.ObjectMeta{Name: "v1." + group}, Spec: registeredBy(same).Spec,
			}}, claims.HeldAdoptable,
		},
		"what the cache still has is gone": {[]client.Object{own, registeredBy(ended)}, nil, claims.Granted},
	} {
		t.Run(name, func(t *testing.T) {
			observer := &observe.Observer{
				Client: observetest.Cache(t, test.cached...), Live: observetest.Cache(t, test.live...),
				Clock: clocktesting.NewFakePassiveClock(noon),
			}
			claim, err := observer.ClaimNow(t.Context(), own, schema.GroupVersion{Group: group, Version: "v1"})
			if err != nil || claim.Standing != test.want {
				t.Errorf("the standing is %d, want %d (%v): %+v", claim.Standing, test.want, err, claim.Owner)
			}
		})
	}
}

func TestTheOwnAPIServicesAreFoundByEachMarkAndByTheService(t *testing.T) {
	own := wanting("own", "v1", noon)
	byUID, byName, byService := registeredBy(own), registeredBy(own), registeredBy(own)
	for apiService, unmark := range map[*apiregistrationv1.APIService]func(*apiregistrationv1.APIService){
		byUID:     func(a *apiregistrationv1.APIService) { a.Labels = nil },
		byName:    func(a *apiregistrationv1.APIService) { a.Annotations = nil },
		byService: func(a *apiregistrationv1.APIService) { a.Labels, a.Annotations = nil, nil },
	} {
		apiService.Spec.Group = "no-longer-wanted.example.com"
		unmark(apiService)
	}
	byUID.Name, byName.Name, byService.Name = "by-uid", "by-name", "by-service"
	byService.ManagedFields = []metav1.ManagedFieldsEntry{
		{
			Manager: ownership.FieldOwner, Operation: metav1.ManagedFieldsOperationApply,
			APIVersion: apiregistrationv1.SchemeGroupVersion.String(), FieldsType: "FieldsV1",
			FieldsV1: metav1.NewFieldsV1("{}"),
		},
	}
	live := observetest.Cache(t, byUID, byName, byService)
	observer := &observe.Observer{
		Client: observetest.Cache(t, own), Live: live, Clock: clocktesting.NewFakePassiveClock(noon),
	}
	found, err := observer.RegisteredNow(t.Context(), own)
	if err != nil || len(found) != 3 {
		t.Errorf("found are %d (%v)", len(found), err)
	}
}
