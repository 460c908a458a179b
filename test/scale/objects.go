// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// The ways to register a server: by hand, by an ExtensionAPI for a Service that there is, and by one whose server the
// operator runs. That an ExtensionAPI is only declared, without an operator, shows what its creation costs.
const (
	byHand     = "hand"
	declared   = "declared"
	byOperator = "operator"
	withServer = "server"
)

const groupPriority = 1000

// startBackends starts what registration leads to.
func (p *controlPlane) startBackends(ctx context.Context, way string, b *backend, apis []api) (stop func(), err error) {
	if way != withServer {
		return func() {}, p.createBackends(ctx, apis)
	}
	b.serveIssued(p.issuedCertificates(ctx))
	stopKubelet, err := p.startKubelet(ctx, apis)
	if err != nil {
		return nil, err
	}
	return func() {
		stopKubelet()
		b.serveIssued(nil)
	}, nil
}

// issuedCertificates returns the certificates of servers that the operator runs. Each is read once: none is replaced
// within a run.
func (p *controlPlane) issuedCertificates(ctx context.Context) func(name string) (*tls.Certificate, error) {
	var mu sync.Mutex
	issued := map[string]*tls.Certificate{}
	return func(name string) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		if issued[name] != nil {
			return issued[name], nil
		}
		secret := &corev1.Secret{}
		key := client.ObjectKey{Namespace: namespace, Name: manifests.ServingSecretName(name)}
		if err := p.client.Get(ctx, key, secret); err != nil {
			return nil, err
		}
		pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
		if err == nil {
			issued[name] = &pair
		}
		return &pair, err
	}
}

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
	extensionAPI := &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: served.name},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{
				Name: served.Group, Versions: []v1alpha1.APIVersion{{Name: served.Version}},
				GroupPriorityMinimum: groupPriority,
			}},
		},
	}
	if way == withServer {
		extensionAPI.Spec.Server = serverOf(served)
	} else {
		extensionAPI.Spec.ExistingService = &v1alpha1.ExistingService{
			Namespace: namespace, Name: served.name, Port: served.port, CABundle: caBundle,
		}
	}
	return extensionAPI
}

func serverOf(served api) *v1alpha1.Server {
	return &v1alpha1.Server{
		Namespace: namespace, Port: served.port, Replicas: new(int32(1)),
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: v1alpha1.ServerContainer, Image: "registry.example.com/server"}},
		}},
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
