// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=list;watch

// lineage is what has the owner label of a server, and by which it is known which of the Pods are the server's: anybody
// may label a Pod.
type lineage struct {
	// name of the Deployment, and its UID, empty while there is none with the owner label.
	name        string
	deployment  types.UID
	replicaSets map[types.UID]*appsv1.ReplicaSet
	pods        []corev1.Pod
}

func (r *Reconciler) lineage(ctx context.Context, reader client.Reader, s *scope) (lineage, error) {
	l := lineage{name: s.Name, replicaSets: map[types.UID]*appsv1.ReplicaSet{}}
	labelled := []client.ListOption{
		client.InNamespace(s.Spec.Server.Namespace), client.MatchingLabels(manifests.ServerLabels(s.Name)),
	}
	pods, replicaSets, deployments := &corev1.PodList{}, &appsv1.ReplicaSetList{}, &appsv1.DeploymentList{}
	for _, list := range []client.ObjectList{pods, replicaSets, deployments} {
		if err := reader.List(ctx, list, labelled...); err != nil {
			return l, err
		}
	}
	l.pods = pods.Items
	for i := range replicaSets.Items {
		l.replicaSets[replicaSets.Items[i].UID] = &replicaSets.Items[i]
	}
	for i := range deployments.Items {
		if deployments.Items[i].Name == s.Name {
			l.deployment = deployments.Items[i].UID
		}
	}
	return l, nil
}

// serverPods returns the Pods of the server, those that end included.
func (r *Reconciler) serverPods(ctx context.Context, reader client.Reader, s *scope) ([]corev1.Pod, error) {
	l, err := r.lineage(ctx, reader, s)
	return l.members(), err
}

// members are the Pods of the server's Deployment.
func (l lineage) members() []corev1.Pod {
	return slices.DeleteFunc(slices.Clone(l.pods), func(pod corev1.Pod) bool { return !l.includes(&pod) })
}

func (l lineage) includes(pod *corev1.Pod) bool {
	replicaSet, controlled := l.replicaSetOf(pod)
	if replicaSet == nil {
		// With a Deployment that is deleted, its ReplicaSets go before their Pods, which may still have requests.
		return controlled && pod.DeletionTimestamp != nil
	}
	controller := metav1.GetControllerOf(replicaSet)
	switch {
	case controller == nil:
		return true // the Deployment is about to adopt it, since it has the label
	case l.deployment == "":
		return controller.Kind == "Deployment" && controller.Name == l.name
	default:
		return controller.UID == l.deployment
	}
}

// replicaSetOf returns nil for a Pod that has none, or one that is gone; controlled reports whether it had any.
func (l lineage) replicaSetOf(pod *corev1.Pod) (replicaSet *appsv1.ReplicaSet, controlled bool) {
	controller := metav1.GetControllerOf(pod)
	if controller == nil || controller.Kind != "ReplicaSet" {
		return nil, false
	}
	return l.replicaSets[controller.UID], true
}

// accounts are the ServiceAccounts that Pods of the Deployment run as, where the Deployment said so: who may create a
// Pod can have it owned by any ReplicaSet.
func (l lineage) accounts() []string {
	var accounts []string
	for i := range l.pods {
		replicaSet, _ := l.replicaSetOf(&l.pods[i])
		if replicaSet == nil || !isControlledBy(replicaSet, l.deployment) {
			continue
		}
		if name := replicaSet.Spec.Template.Spec.ServiceAccountName; name != "" && name == l.pods[i].Spec.ServiceAccountName {
			accounts = append(accounts, name)
		}
	}
	return accounts
}

func isControlledBy(object metav1.Object, owner types.UID) bool {
	controller := metav1.GetControllerOf(object)
	return controller != nil && owner != "" && controller.UID == owner
}
