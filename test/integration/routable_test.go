// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// kube-apiserver would not even try to connect, and no namespace of the cluster could be deleted.
func TestHeadlessServiceIsNotRegisteredAlthoughItsServerResponds(t *testing.T) {
	t.Parallel()
	const name = "headless"
	address := machineAddress(t)
	backend := exposeBackend(t, name, servicePort)
	port := serveAt(t, address, extensionserver.New(groupVersion(name+".example.com", "v1")),
		keyPair(t, servingFor(t, backend.signer, name)))
	change(t, backend.service, headless)
	createUntilCleanup(t, endpointsAt(name, address, port))
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonServiceNotRoutable, "is headless"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonServiceNotRoutable, "see ServerAvailable"),
		isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonServiceNotRoutable))
	expectDocumented(t, "service-headless", name, v1alpha1.ConditionServerAvailable)
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return answering(e, 1) })
	expectAPIServices(t, name)

	recreate(t, backend.service, corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "https", Port: servicePort}}})
	// Nothing routes the address of a Service here.
	await(t, name, status.InProgressStatus,
		isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonEndpointsReady),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonServiceUnreachable))
	expectAPIServices(t, name)

	recreate(t, backend.service, corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: address})
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.ExistingService.Port = port })
	awaitRegistered(t, name)
}

// An APIService that has been served is kept: to the garbage collector a missing group can look like deleted owners.
func TestRegisteredAPIIsKeptWhenItsServiceBecomesHeadless(t *testing.T) {
	t.Parallel()
	const name = "turned-headless"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	before := apiServices(t, name)["v1."+name+".example.com"].UID
	recreate(t, backend.service, corev1.ServiceSpec{
		ClusterIP: corev1.ClusterIPNone, Ports: []corev1.ServicePort{{Port: backend.port}},
	})
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonServiceNotRoutable),
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, "EndpointsNotFound"))
	if after := apiServices(t, name)["v1."+name+".example.com"]; after == nil || after.UID != before {
		t.Errorf("the APIService is %+v", after)
	}
	recreate(t, backend.service, localService(name).Spec)
	awaitRegistered(t, name)
}

func TestHeadlessServiceOfTheServersNameIsReported(t *testing.T) {
	t.Parallel()
	const name = "own-headless"
	createNamespace(t, name)
	service := &corev1.Service{ObjectMeta: labelled(in(name, name), manifests.ServerLabels(name))}
	headless(service)
	create(t, service)
	apply(t, served(name))
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonServiceNotRoutable,
		"the operator recreates it: kubectl -n own-headless delete service own-headless"))
	deleteNow(t, service)
	awaitRollout(t, name)
}

// The flags of kube-apiserver are not known until a request has been tried.
func TestUnroutableExternalNameDoesNotStayRegistered(t *testing.T) {
	t.Parallel()
	const name, group = "wardle", "wardle.example.com"
	apart, operator := startApart(t, "", "enable-aggregator-routing")
	backend := apart.exposeBackend(t, name, freePort(t))
	apart.startSampleServer(t, backend.port, servingFor(t, backend.signer, name))
	apart.create(t, backend.declare(groups(group, "v1beta1", "v1alpha1")))
	apart.await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonExternalNameNotRoutable, "--enable-aggregator-routing"),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonExternalNameNotRoutable),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered))
	apart.expectDocumented(t, "external-name", name, v1alpha1.ConditionServerAvailable)
	if deletion := "DELETE /apis/apiregistration.k8s.io/v1/apiservices/v1beta1." + group; !operator.writes.distinct().
		Has(deletion) {
		t.Errorf("the registration was not tried: the operator wrote %q", operator.writes.since(0))
	}
	consistently(t, func() error {
		found := &apiregistrationv1.APIServiceList{}
		err := apart.client.List(ctx, found, client.MatchingLabels(manifests.ServerLabels(name)))
		if err == nil && len(found.Items) > 0 {
			err = fmt.Errorf("APIService %s is registered", found.Items[0].Name)
		}
		return err
	})
}

func headless(s *corev1.Service) {
	s.Spec = corev1.ServiceSpec{
		ClusterIP: corev1.ClusterIPNone, Ports: []corev1.ServicePort{{Name: "https", Port: servicePort}},
	}
}

// recreate recreates the Service, which is the only way to change its ClusterIP.
func recreate(t *testing.T, service *corev1.Service, spec corev1.ServiceSpec) {
	t.Helper()
	deleteNow(t, service)
	service.ObjectMeta, service.Spec = in(service.Namespace, service.Name), spec
	create(t, service)
}

// endpointsAt returns an EndpointSlice for a Service's port named https.
func endpointsAt(service, address string, port int32) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  labelled(in(service, service), map[string]string{discoveryv1.LabelServiceName: service}),
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: &port}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}}},
	}
}
