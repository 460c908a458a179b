// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/workload"
)

// +kubebuilder:rbac:groups="",resources=pods,verbs=list;watch
// +kubebuilder:rbac:groups=apps,resources=replicasets,verbs=list;watch

// workload reads what runs as a workload of an ExtensionAPI.
func (o *Observer) workload(
	ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI, of manifests.Workload,
) (w snapshot.Workload, err error) {
	l, err := lineage(ctx, o.Client, of)
	if err != nil {
		return w, err
	}
	w.Pods, w.Accounts = l.Members(), l.Accounts()
	w.Causes, _ = o.Causes.Result(extensionAPI.Name, "")
	deployment, account := &appsv1.Deployment{}, inventory.ServiceAccount.New()
	switch err := o.Client.Get(ctx, of.NamespacedName, deployment); {
	case err == nil:
		w.Deployment = deployment
	case client.IgnoreNotFound(err) != nil:
		return w, err
	}
	err = o.Client.Get(ctx, of.NamespacedName, account)
	w.Account = account.GetUID()
	return w, client.IgnoreNotFound(err)
}

// PodsNow returns the Pods of a workload that there are at this moment.
func (o *Observer) PodsNow(ctx context.Context, of manifests.Workload) ([]corev1.Pod, error) {
	l, err := lineage(ctx, o.Live, of)
	return l.Members(), err
}

// lineage reads what has the labels of a workload.
func lineage(ctx context.Context, reader client.Reader, of manifests.Workload) (l workload.Lineage, err error) {
	labelled := []client.ListOption{client.InNamespace(of.Namespace), client.MatchingLabels(of.Labels)}
	pods, replicaSets, deployments := &corev1.PodList{}, &appsv1.ReplicaSetList{}, &appsv1.DeploymentList{}
	for _, list := range []client.ObjectList{pods, replicaSets, deployments} {
		if err := reader.List(ctx, list, labelled...); err != nil {
			return l, err
		}
	}
	return workload.NewLineage(of.Name, deployments.Items, replicaSets.Items, pods.Items), nil
}
