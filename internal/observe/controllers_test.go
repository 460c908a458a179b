// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/background"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// labelledObjects has objects by their kinds, all of which match the labels of any list.
type labelledObjects struct {
	client.Reader
	byKind      map[string][]metav1.ObjectMeta
	replicaSets []appsv1.ReplicaSet
	pods        []corev1.Pod
}

// Get finds no object but Deployments.
func (o labelledObjects) Get(
	_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption,
) error {
	deployment, isDeployment := object.(*appsv1.Deployment)
	for _, meta := range o.byKind["Deployment"] {
		if isDeployment && meta.Name == key.Name {
			deployment.ObjectMeta = meta
			return nil
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func (o labelledObjects) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch typed := list.(type) {
	case *appsv1.DeploymentList:
		for _, meta := range o.byKind["Deployment"] {
			typed.Items = append(typed.Items, appsv1.Deployment{ObjectMeta: meta})
		}
	case *appsv1.ReplicaSetList:
		typed.Items = o.replicaSets
	case *corev1.PodList:
		typed.Items = o.pods
	case *metav1.PartialObjectMetadataList:
		for _, meta := range o.byKind[typed.Kind[:len(typed.Kind)-len("List")]] {
			typed.Items = append(typed.Items, metav1.PartialObjectMetadata{ObjectMeta: meta})
		}
	}
	return nil
}

// ofComponent is an object of the ExtensionAPI shop with a UID.
func ofComponent(name, component, uid string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name:        name,
		Labels:      map[string]string{manifests.OwnerLabel: "shop", manifests.ComponentLabel: component},
		Annotations: map[string]string{manifests.UIDAnnotation: uid},
	}
}

func shopWith(controllers ...string) *v1alpha1.ExtensionAPI {
	extensionAPI := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: "shop", UID: "own"}}
	extensionAPI.Spec.Server = &v1alpha1.Server{Namespace: "shop-system"}
	for _, name := range controllers {
		extensionAPI.Spec.Controllers = append(extensionAPI.Spec.Controllers, v1alpha1.Controller{Name: name})
	}
	return extensionAPI
}

func namesOf(objects []inventory.Object) (names []string) {
	for _, object := range objects {
		names = append(names, object.Kind.Kind+" "+object.Key(inventory.Locations{}).Name)
	}
	return names
}

func TestFormerControllersAreOwnAndNotWanted(t *testing.T) {
	running := []metav1.ObjectMeta{
		ofComponent("shop", "server", "own"), ofComponent("shop-carts", "controller-carts", "own"),
		ofComponent("shop-former", "controller-former", "own"), ofComponent("shop-orphan", "controller-orphan", "other"),
	}
	extensionAPI, wanted := shopWith("carts"), map[string]snapshot.Workload{"shop-carts": {}}
	for name, test := range map[string]struct {
		byKind map[string][]metav1.ObjectMeta
		want   []string
	}{
		"its Deployment goes first": {
			map[string][]metav1.ObjectMeta{"Deployment": running, "ServiceAccount": running},
			[]string{"Deployment shop-former"},
		},
		"and then what its Pods needed": {
			map[string][]metav1.ObjectMeta{"ServiceAccount": running, "PodDisruptionBudget": running},
			[]string{"PodDisruptionBudget shop-former", "ServiceAccount shop-former"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			observer := &Observer{Client: labelledObjects{byKind: test.byKind}}
			former, err := observer.former(t.Context(), extensionAPI, wanted)
			if got := namesOf(former); err != nil || !slices.Equal(got, test.want) {
				t.Errorf("former are %q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestAccountsOfFormerControllersAreKnownWhileTheirPodsRun(t *testing.T) {
	former := ofComponent("shop-former", "controller-former", "own")
	former.UID = "1"
	replicaSet := appsv1.ReplicaSet{ObjectMeta: controlledBy("Deployment", "1")}
	replicaSet.UID, replicaSet.Spec.Template.Spec.ServiceAccountName = "2", "shop-former"
	pod := corev1.Pod{ObjectMeta: controlledBy("ReplicaSet", "2"), Spec: replicaSet.Spec.Template.Spec}
	observer := &Observer{Client: labelledObjects{
		byKind:      map[string][]metav1.ObjectMeta{"Deployment": {former}},
		replicaSets: []appsv1.ReplicaSet{replicaSet}, pods: []corev1.Pod{pod},
	}}
	accounts, err := observer.formerAccounts(t.Context(), shopWith(), []inventory.Object{
		inventory.OfController(inventory.Deployment, "shop-former"),
		inventory.OfController(inventory.ServiceAccount, "shop-other"),
	})
	if err != nil || !slices.Equal(accounts, []string{"shop-former"}) {
		t.Errorf("the accounts are %q (%v)", accounts, err)
	}
}

func controlledBy(kind string, uid types.UID) metav1.ObjectMeta {
	return metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: kind, UID: uid, Controller: new(true)}}}
}

func TestAControllerThatHasLostItsLabelsRuns(t *testing.T) {
	extensionAPI := shopWith("carts", "fresh")
	observer := &Observer{
		Client: labelledObjects{}, Causes: background.NewChecks[Causes](t.Context(), clock.RealClock{}, 1, nil),
		Live: labelledObjects{byKind: map[string][]metav1.ObjectMeta{"Deployment": {{Name: "shop-carts"}}}},
	}
	found, err := observer.controllers(t.Context(), extensionAPI)
	if err != nil || found.ByName["shop-carts"].Deployment == nil || found.ByName["shop-fresh"].Deployment != nil {
		t.Errorf("found are %+v (%v)", found.ByName, err)
	}
}

func TestControllersThatAreStoppedIncludeThoseThatTheCacheDoesNotHaveYet(t *testing.T) {
	observer := &Observer{Client: labelledObjects{byKind: map[string][]metav1.ObjectMeta{"Deployment": {
		ofComponent("shop-carts", "controller-carts", "own"), ofComponent("shop-former", "controller-former", "own"),
	}}}}
	objects, err := observer.ControllerObjects(t.Context(), inventory.Deployment, shopWith("carts", "fresh"))
	want := []string{"Deployment shop-carts", "Deployment shop-former", "Deployment shop-fresh"}
	if got := namesOf(objects); err != nil || !slices.Equal(got, want) {
		t.Errorf("stopped are %q (%v), want %q", got, err, want)
	}
}
