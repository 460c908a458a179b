// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// The two ways to register a server.
const (
	byHand     = "hand"
	byOperator = "operator"
)

const groupPriority = 1000

// createBackends creates what exists before registration in both ways: Services, and what is behind them.
func (p *controlPlane) createBackends(ctx context.Context, apis []api) error {
	for _, served := range apis {
		for _, object := range []client.Object{serviceOf(served), endpointSliceOf(served)} {
			if err := p.client.Create(ctx, object); err != nil {
				return err
			}
		}
	}
	return nil
}

func serviceOf(served api) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: served.name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "https", Port: served.port}}},
	}
}

func endpointSliceOf(served api) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: served.name, Labels: map[string]string{discoveryv1.LabelServiceName: served.name},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{endpointAddress}}},
		Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: new(served.port)}},
	}
}

// registration is what a user creates.
func registration(way string, served api, caBundle []byte) client.Object {
	if way == byHand {
		return apiServiceOf(served, caBundle)
	}
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: served.name},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{
				Name: served.Group, Versions: []v1alpha1.APIVersion{{Name: served.Version}},
				GroupPriorityMinimum: groupPriority,
			}},
			ExistingService: &v1alpha1.ExistingService{
				Namespace: namespace, Name: served.name, Port: served.port, CABundle: caBundle,
			},
		},
	}
}

func apiServiceOf(served api, caBundle []byte) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: manifests.APIServiceName(served.GroupVersion)},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: served.Group, Version: served.Version, GroupPriorityMinimum: groupPriority, VersionPriority: 100,
			CABundle: caBundle,
			Service: &apiregistrationv1.ServiceReference{
				Namespace: namespace, Name: served.name, Port: new(served.port),
			},
		},
	}
}
