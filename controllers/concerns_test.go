// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// listed is a reader of a list of ExtensionAPIs.
type listed []v1alpha1.ExtensionAPI

func (l listed) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("nothing is read but the list")
}

func (l listed) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	extensionAPIs, _ := list.(*v1alpha1.ExtensionAPIList)
	extensionAPIs.Items = l
	return nil
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
	all := extensionAPIs{listed{
		serving("healthy", ""), serving("unavailable", v1alpha1.ConditionAPIServicesAvailable),
		serving("blamed", v1alpha1.ConditionNamespacesDeletable),
	}}
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
			waiting(corev1.NamespaceDeletionContentFailure, unnamed), []string{"unavailable", "blamed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, request := range all.concernedByNamespace(t.Context(), test.namespace) {
				got = append(got, request.Name)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("it concerns %q, want %q", got, test.want)
			}
		})
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
