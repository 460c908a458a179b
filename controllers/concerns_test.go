// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/observe/observetest"
)

// cached returns the ExtensionAPIs in a cache of these.
func cached(t *testing.T, all ...v1alpha1.ExtensionAPI) extensionAPIs {
	t.Helper()
	var objects []client.Object
	for i := range all {
		objects = append(objects, &all[i])
	}
	return extensionAPIs{observetest.Cache(t, objects...)}
}

func namesOf(requests []reconcile.Request) []string {
	names := sets.New[string]()
	for _, request := range requests {
		names.Insert(request.Name)
	}
	return sets.List(names)
}

// serving returns an ExtensionAPI with the group NAME.example.com and a server in namespace NAME, one of whose
// conditions is False, unless it is empty.
func serving(name, failing string) v1alpha1.ExtensionAPI {
	extensionAPI := v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{Name: name + ".example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}}}},
			Server: &v1alpha1.Server{Namespace: name},
		},
	}
	if failing != "" {
		extensionAPI.Status.Conditions = []metav1.Condition{{Type: failing, Status: metav1.ConditionFalse}}
	}
	return extensionAPI
}

// waiting returns a namespace that is being deleted.
func waiting(of corev1.NamespaceConditionType, message string) *corev1.Namespace {
	return &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: "team-a", DeletionTimestamp: new(metav1.Now())},
		Status: corev1.NamespaceStatus{Conditions: []corev1.NamespaceCondition{
			{Type: of, Status: corev1.ConditionTrue, Message: message},
		}},
	}
}

func TestANamespaceConcernsTheExtensionAPIsThatRunInItOrHoldItsDeletionUp(t *testing.T) {
	all := cached(t, serving("healthy", ""), serving("unavailable", v1alpha1.ConditionAPIServicesAvailable),
		serving("blamed", v1alpha1.ConditionNamespacesDeletable))
	const unnamed = "Failed to delete all resource types, 1 remaining: an error on the server"
	for name, test := range map[string]struct {
		namespace *corev1.Namespace
		want      []string
	}{
		"that of a server": {&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "healthy"}}, []string{"healthy"}},
		"any other":        {&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team-a"}}, nil},
		"one whose condition names a group-version": {
			waiting(corev1.NamespaceDeletionDiscoveryFailure, "healthy.example.com/v1: stale"), []string{"healthy"},
		},
		"one whose condition names none": {
			waiting(corev1.NamespaceDeletionContentFailure, unnamed), []string{"blamed", "unavailable"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := namesOf(all.concernedByNamespace(t.Context(), test.namespace))
			if !slices.Equal(got, test.want) {
				t.Errorf("it concerns %q, want %q", got, test.want)
			}
		})
	}
}

func TestAnAPIServiceConcernsThoseThatWantItsGroupOrAreMarkedOnIt(t *testing.T) {
	marked, labelled := serving("marked", ""), serving("labelled", "")
	marked.UID = "uid-of-marked"
	all := cached(t, serving("wanting", ""), marked, labelled, serving("other", ""))
	apiService := &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{
			Name: "v2.wanting.example.com", Labels: map[string]string{manifests.OwnerLabel: "labelled"},
			Annotations: map[string]string{manifests.UIDAnnotation: "uid-of-marked"},
		},
		Spec: apiregistrationv1.APIServiceSpec{Group: "wanting.example.com", Version: "v2"},
	}
	got := namesOf(all.concernedByAPIService(t.Context(), apiService))
	if want := []string{"labelled", "marked", "wanting"}; !slices.Equal(got, want) {
		t.Errorf("it concerns %q, want %q", got, want)
	}
}

func TestOnlyOthersWithTheSameGroupAreRivals(t *testing.T) {
	own, rival := serving("own", ""), serving("rival", "")
	rival.Spec.Groups = append(rival.Spec.Groups, own.Spec.Groups...)
	all := cached(t, own, rival, serving("other", ""))
	if got := namesOf(all.rivals(t.Context(), &own)); !slices.Equal(got, []string{"rival"}) {
		t.Errorf("rivals are %q", got)
	}
	other := schema.GroupVersion{Group: "own.example.com", Version: "v2"}
	if got := namesOf(all.wanting(t.Context(), other)); len(got) > 0 {
		t.Errorf("%q want a version that none has", got)
	}
}

func TestTheEventOfAnOwnStatusIsNoReasonToReconcile(t *testing.T) {
	written := &writes{}
	byOthers := written.byOthers()
	update := func(resourceVersion string) bool {
		object := serving("own", "")
		object.ResourceVersion = resourceVersion
		return byOthers.Update(event.UpdateEvent{ObjectOld: &object, ObjectNew: &object})
	}
	if !update("1") {
		t.Error("the first change is dropped")
	}
	written.note("own", "2", time.Time{})
	if update("2") || !update("3") {
		t.Error("an own status is reconciled, or the change of another client is not")
	}
	if written.forget("own"); !update("2") {
		t.Error("what was forgotten is dropped")
	}
}

func TestANamespaceMattersWhenItWaitsForSomethingElse(t *testing.T) {
	const remaining = "Some resources are remaining: pods. has "
	before := waiting(corev1.NamespaceContentRemaining, remaining+"2 resource instances")
	fewer := waiting(corev1.NamespaceContentRemaining, remaining+"1 resource instances")
	none := fewer.DeepCopy()
	none.Status.Conditions[0].Status = corev1.ConditionFalse
	for after, want := range map[*corev1.Namespace]bool{fewer: false, none: true} {
		if got := waitsForOthers.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != want {
			t.Errorf("%v matters: %t", after.Status.Conditions, got)
		}
	}
}
