// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=list;watch

// lineage reads what has the labels of the server.
func (r *Reconciler) lineage(ctx context.Context, reader client.Reader, s *scope) (l workload.Lineage, err error) {
	labelled := []client.ListOption{
		client.InNamespace(s.Spec.Server.Namespace), client.MatchingLabels(manifests.ServerLabels(s.Name)),
	}
	pods, replicaSets, deployments := &corev1.PodList{}, &appsv1.ReplicaSetList{}, &appsv1.DeploymentList{}
	for _, list := range []client.ObjectList{pods, replicaSets, deployments} {
		if err := reader.List(ctx, list, labelled...); err != nil {
			return l, err
		}
	}
	return workload.NewLineage(s.Name, deployments.Items, replicaSets.Items, pods.Items), nil
}

// serverPods returns the Pods of the server, those that end included.
func (r *Reconciler) serverPods(ctx context.Context, reader client.Reader, s *scope) ([]corev1.Pod, error) {
	l, err := r.lineage(ctx, reader, s)
	return l.Members(), err
}
