// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

func TestFaultsOfAnExistingServiceAreReportedAndRecover(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		trouble func(*testing.T, *corev1.Service)
		kstatus status.Status
		reason  string
		// registered is the reason of Registered=False.
		registered string
		says       string
	}{
		{
			"service-missing",
			func(t *testing.T, s *corev1.Service) { t.Helper(); deleteNow(t, s) },
			status.InProgressStatus, v1alpha1.ReasonServiceNotFound, v1alpha1.ReasonWaitingForServer,
			"Service service-missing/service-missing does not exist. Create it, or correct spec.existingService",
		},
		{
			"service-port",
			func(t *testing.T, s *corev1.Service) { t.Helper(); change(t, s, clusterIP(1)) },
			status.FailedStatus, v1alpha1.ReasonServicePortNotFound, v1alpha1.ReasonWaitingForServer,
			"Correct spec.existingService.port",
		},
		{
			"service-idle",
			func(t *testing.T, s *corev1.Service) { t.Helper(); change(t, s, clusterIP(servicePort)) },
			status.InProgressStatus, v1alpha1.ReasonNoReadyEndpoints, v1alpha1.ReasonWaitingForServer, "no ready endpoint",
		},
		{
			"service-unmatched",
			func(t *testing.T, s *corev1.Service) {
				t.Helper()
				change(t, s, clusterIP(servicePort))
				createUntilCleanup(t, endpointsAt(s.Name, "192.0.2.1", servicePort))
			},
			status.FailedStatus, v1alpha1.ReasonServiceNotRoutable, v1alpha1.ReasonServiceNotRoutable,
			`which is named "": they are for ports named "https"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			backend, _ := startBackend(t, test.name, "v1")
			test.trouble(t, backend.service)
			extensionAPI := backend.declare(groups(test.name+".example.com", "v1"))
			extensionAPI.Spec.ExistingService.Port = servicePort
			apply(t, extensionAPI)
			await(t, test.name, test.kstatus,
				isFalse(v1alpha1.ConditionServerAvailable, test.reason, test.says),
				isFalse(v1alpha1.ConditionRegistered, test.registered))
			expectDocumented(t, test.name, test.name, v1alpha1.ConditionServerAvailable)
			expectAPIServices(t, test.name)

			change(t, named(test.name), func(e *v1alpha1.ExtensionAPI) { e.Spec.ExistingService.Port = backend.port })
			resolveLocally(t, backend.service)
			awaitRegistered(t, test.name)
		})
	}
}

// servicePort is the port of Services without a server.
const servicePort = 443

// clusterIP changes a Service to type ClusterIP, with Pods that do not exist.
func clusterIP(port int32) func(*corev1.Service) {
	return func(s *corev1.Service) {
		s.Spec = corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, Ports: []corev1.ServicePort{{Port: port}}, Selector: otherLabels,
		}
	}
}

// resolveLocally makes a Service resolve to this machine again, and recreates it if it was deleted.
func resolveLocally(t *testing.T, service *corev1.Service) {
	t.Helper()
	local := localService(service.Namespace)
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(service), service); apierrors.IsNotFound(err) {
		create(t, local)
		return
	} else if err != nil {
		t.Fatal(err)
	}
	change(t, service, func(s *corev1.Service) { s.Spec = local.Spec })
}

func TestVersionIsReplacedOnlyAfterItsSuccessorIsServed(t *testing.T) {
	t.Parallel()
	const name, group = "succeeded", "succeeded.example.com"
	backend, server := startBackend(t, name, "v1", "v2")
	apply(t, backend.declare(groups(group, "v1")))
	awaitRegistered(t, name)
	server.Behave(extensionserver.Behaviour{NotServed: []string{group + "/v2"}})
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = groups(group, "v2") })
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonProbeFailed, "v2."+group))
	expectAPIServices(t, name, "v1."+group)
	server.Behave(extensionserver.Behaviour{})
	awaitRegistered(t, name)
	eventually(t, func() error {
		if found := apiServices(t, name); len(found) != 1 || found["v2."+group] == nil {
			return fmt.Errorf("the APIServices are %v", slices.Collect(maps.Keys(found)))
		}
		return nil
	})
}

func TestAPIMovesToAnotherServerOnlyAfterItResponds(t *testing.T) {
	t.Parallel()
	const name, apiServiceName = "moving", "v1.moving.example.com"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	before := apiServices(t, name)[apiServiceName]

	elsewhere := extensionserver.Start(
		keyPair(t, servingFor(t, backend.signer, name)), groupVersion(name+".example.com", "v1"))
	t.Cleanup(elsewhere.Close)
	elsewhere.Behave(failing(http.StatusServiceUnavailable))
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.ExistingService.Port = elsewhere.Port() })
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonProbeFailed,
			fmt.Sprintf("endpoint localhost:%d", elsewhere.Port()), "503 Service Unavailable",
			"Until then the APIService stays as it was"),
		isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
	if port := *apiServices(t, name)[apiServiceName].Spec.Service.Port; port != backend.port {
		t.Errorf("requests are already routed to port %d", port)
	}

	elsewhere.Behave(extensionserver.Behaviour{})
	awaitRegistered(t, name)
	after := apiServices(t, name)[apiServiceName]
	if after.UID != before.UID || ptr.Deref(after.Spec.Service.Port, 0) != elsewhere.Port() {
		t.Errorf("the APIService is %+v", after)
	}
}
