// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/migration"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// runningBehind reads what runs behind APIServices, which must lead to one Service. All APIServices of the Service are
// read: they belong to one server.
func runningBehind(ctx context.Context, cluster *connect.Cluster, names []string) (migration.Running, error) {
	all := &apiregistrationv1.APIServiceList{}
	if err := cluster.Client.List(ctx, all); err != nil {
		return migration.Running{}, err
	}
	key, err := backendOf(all, names)
	if err != nil {
		return migration.Running{}, err
	}
	running := migration.Running{}
	for i := range all.Items {
		if service := all.Items[i].Spec.Service; service != nil && keyOf(service) == key {
			running.APIServices = append(running.APIServices, &all.Items[i])
		}
	}
	readServer(ctx, cluster, key, &running)
	return running, nil
}

func keyOf(service *apiregistrationv1.ServiceReference) client.ObjectKey {
	return client.ObjectKey{Namespace: service.Namespace, Name: service.Name}
}

// backendOf returns the Service behind all APIServices of these names.
func backendOf(all *apiregistrationv1.APIServiceList, names []string) (key client.ObjectKey, err error) {
	found := map[string]*apiregistrationv1.APIService{}
	for i := range all.Items {
		found[all.Items[i].Name] = &all.Items[i]
	}
	for i, name := range names {
		apiService := found[name]
		switch {
		case apiService == nil:
			return key, fmt.Errorf("there is no APIService %q", name)
		case apiService.Spec.Service == nil:
			return key, fmt.Errorf("kube-apiserver serves %s itself: there is no server to import", name)
		case apiService.Labels[manifests.OwnerLabel] != "":
			return key, fmt.Errorf("%s already belongs to %s", name, ownership.Of(apiService))
		case i > 0 && keyOf(apiService.Spec.Service) != key:
			return key, fmt.Errorf("%s leads to Service %s, and %s to %s: import them separately", names[0], key, name,
				keyOf(apiService.Spec.Service))
		}
		key = keyOf(apiService.Spec.Service)
	}
	return key, nil
}

// readServer reads what is behind a Service. What cannot be read is noted.
func readServer(ctx context.Context, cluster *connect.Cluster, key client.ObjectKey, running *migration.Running) {
	unread := func(what string, err error) {
		if err != nil {
			running.Unread = append(running.Unread, fmt.Sprintf("%s: %v", what, err))
		}
	}
	service := &corev1.Service{}
	if err := cluster.Client.Get(ctx, key, service); err != nil {
		unread("the Service", err)
		return
	}
	running.Service = service
	deployments, err := deploymentsBehind(ctx, cluster, service)
	unread("Deployments", err)
	running.Deployments = deployments
	clusterRoleBindings, roleBindings := &rbacv1.ClusterRoleBindingList{}, &rbacv1.RoleBindingList{}
	unread("ClusterRoleBindings", cluster.Client.List(ctx, clusterRoleBindings))
	unread("RoleBindings", cluster.Client.List(ctx, roleBindings))
	running.ClusterRoleBindings, running.RoleBindings = clusterRoleBindings.Items, roleBindings.Items
}

// deploymentsBehind are those whose Pods the Service selects.
func deploymentsBehind(
	ctx context.Context, cluster *connect.Cluster, service *corev1.Service,
) (found []appsv1.Deployment, err error) {
	list := &appsv1.DeploymentList{}
	if err := cluster.Client.List(ctx, list, client.InNamespace(service.Namespace)); err != nil {
		return nil, err
	}
	for i := range list.Items {
		if selects(service, &list.Items[i]) {
			found = append(found, list.Items[i])
		}
	}
	return found, nil
}

func selects(service *corev1.Service, deployment *appsv1.Deployment) bool {
	selector := labels.SelectorFromSet(service.Spec.Selector)
	return len(service.Spec.Selector) > 0 && selector.Matches(labels.Set(deployment.Spec.Template.Labels))
}
