// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"context"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// ofBackends are the tasks that read what is behind the APIServices, once for each Service.
func (c *collector) ofBackends(v *view.View) []task {
	seen := map[*view.Backend]bool{}
	var tasks []task
	for _, apiService := range v.APIServices.Value() {
		backend := apiService.Backend
		if seen[backend] {
			continue
		}
		seen[backend] = true
		tasks = append(tasks,
			func(ctx context.Context) { c.readService(ctx, backend) },
			func(ctx context.Context) { backend.EndpointSlices = snapshot.Of(c.endpointSlices(ctx, backend)) },
			func(ctx context.Context) { backend.Budgets = snapshot.Of(c.budgets(ctx, backend.Namespace)) },
		)
	}
	return tasks
}

// readService reads the Service, and the Pods that it selects.
func (c *collector) readService(ctx context.Context, backend *view.Backend) {
	service, err := c.service(ctx, backend.NamespacedName)
	backend.Service = snapshot.Of(service, err)
	if service != nil && len(service.Spec.Selector) > 0 {
		pods := &corev1.PodList{}
		err := c.list(ctx, pods, client.InNamespace(backend.Namespace), client.MatchingLabels(service.Spec.Selector))
		backend.Pods = snapshot.Of(pods.Items, err)
		if len(pods.Items) > 0 {
			account := cmp.Or(pods.Items[0].Spec.ServiceAccountName, "default")
			backend.Denied = snapshot.Of(c.denied(ctx, backend.Namespace, account))
		}
	}
}

func (c *collector) service(ctx context.Context, key client.ObjectKey) (*corev1.Service, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	service := &corev1.Service{}
	switch err := c.cluster.Client.Get(ctx, key, service); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	default:
		return service, nil
	}
}

func (c *collector) endpointSlices(ctx context.Context, backend *view.Backend) ([]discoveryv1.EndpointSlice, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return endpoints.List(ctx, c.cluster.Client, backend.NamespacedName)
}

func (c *collector) budgets(ctx context.Context, namespace string) ([]policyv1.PodDisruptionBudget, error) {
	list := &policyv1.PodDisruptionBudgetList{}
	err := c.list(ctx, list, client.InNamespace(namespace))
	return list.Items, err
}
