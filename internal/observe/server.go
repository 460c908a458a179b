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

// server reads the workload of spec.server.
func (o *Observer) server(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) (snapshot.Server, error) {
	l, err := lineage(ctx, o.Client, extensionAPI)
	if err != nil {
		return snapshot.Server{}, err
	}
	server := snapshot.Server{Pods: l.Members(), Accounts: l.Accounts()}
	key := client.ObjectKey{Namespace: extensionAPI.Spec.Server.Namespace, Name: extensionAPI.Name}
	deployment, account := &appsv1.Deployment{}, inventory.ServiceAccount.New()
	switch err := o.Client.Get(ctx, key, deployment); {
	case err == nil:
		server.Deployment = deployment
	case client.IgnoreNotFound(err) != nil:
		return server, err
	}
	err = o.Client.Get(ctx, key, account)
	server.Account = account.GetUID()
	return server, client.IgnoreNotFound(err)
}

// PodsNow returns the Pods of a server that there are at this moment.
func (o *Observer) PodsNow(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) ([]corev1.Pod, error) {
	l, err := lineage(ctx, o.Live, extensionAPI)
	return l.Members(), err
}

// lineage reads what has the labels of the server.
func lineage(
	ctx context.Context, reader client.Reader, extensionAPI *v1alpha1.ExtensionAPI,
) (l workload.Lineage, err error) {
	labelled := []client.ListOption{
		client.InNamespace(extensionAPI.Spec.Server.Namespace),
		client.MatchingLabels(manifests.ServerLabels(extensionAPI.Name)),
	}
	pods, replicaSets, deployments := &corev1.PodList{}, &appsv1.ReplicaSetList{}, &appsv1.DeploymentList{}
	for _, list := range []client.ObjectList{pods, replicaSets, deployments} {
		if err := reader.List(ctx, list, labelled...); err != nil {
			return l, err
		}
	}
	return workload.NewLineage(extensionAPI.Name, deployments.Items, replicaSets.Items, pods.Items), nil
}
