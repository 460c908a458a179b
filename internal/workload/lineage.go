// SPDX-License-Identifier: Apache-2.0

// Package workload is a Deployment with its ReplicaSets and Pods: which Pods are its own, whether a rollout is
// complete, and why not. It decides and reads nothing: it imports no client.
package workload

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Lineage is what has the labels of a workload, and shows which of the Pods are its own: any user may
// label a Pod.
type Lineage struct {
	// name of the Deployment, and its UID, empty while there is none with the labels.
	name        string
	deployment  types.UID
	replicaSets map[types.UID]*appsv1.ReplicaSet
	pods        []corev1.Pod
}

// NewLineage returns the lineage of the Deployment of that name, in what has the labels of the workload.
func NewLineage(
	name string, deployments []appsv1.Deployment, replicaSets []appsv1.ReplicaSet, pods []corev1.Pod,
) Lineage {
	l := Lineage{name: name, replicaSets: map[types.UID]*appsv1.ReplicaSet{}, pods: pods}
	for i := range replicaSets {
		l.replicaSets[replicaSets[i].UID] = &replicaSets[i]
	}
	for i := range deployments {
		if deployments[i].Name == name {
			l.deployment = deployments[i].UID
		}
	}
	return l
}

// Members are the Pods of the server's Deployment.
func (l Lineage) Members() []corev1.Pod {
	return slices.DeleteFunc(slices.Clone(l.pods), func(pod corev1.Pod) bool { return !l.includes(&pod) })
}

func (l Lineage) includes(pod *corev1.Pod) bool {
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
func (l Lineage) replicaSetOf(pod *corev1.Pod) (replicaSet *appsv1.ReplicaSet, controlled bool) {
	controller := metav1.GetControllerOf(pod)
	if controller == nil || controller.Kind != "ReplicaSet" {
		return nil, false
	}
	return l.replicaSets[controller.UID], true
}

// Accounts are the ServiceAccounts that Pods of the Deployment run as, where the Deployment said so: who may create a
// Pod can have it owned by any ReplicaSet.
func (l Lineage) Accounts() []string {
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
