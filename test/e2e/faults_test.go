// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// faultReported is the time limit for reporting a fault, and its recovery.
const faultReported = 3 * time.Minute

// fault is a fault of a server with two replicas and two versions, and how it is reported.
type fault struct {
	// name of the ExtensionAPI.
	name string
	// what describes the fault in docs/troubleshooting/faults.md.
	what string

	// behaviour of all replicas, or only of the one that kube-apiserver is connected to.
	behaviour    behaviour
	connectedOne bool
	// firewall is used instead of behaviour; it drops packets until lift is called.
	firewall func(*testing.T, faultServer) (lift func())
	// spec modifies the spec before the fault.
	spec func(*v1alpha1.ExtensionAPISpec)

	status metav1.ConditionStatus
	reason string
	// culprit must be in the message.
	culprit func(faultServer) string
	// available is the status that kube-apiserver reports; empty if it may reconnect to the other replica by itself.
	available metav1.ConditionStatus
}

func TestDiscoveryFaultsAreReportedAndRecover(t *testing.T) {
	docs := openFaultDocs(t)
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			server := startFaultServer(t, fault)
			heal := fault.start(t, server)
			reported := eventually(t, faultReported, fault.isReported(server, docs))
			if fault.available != "" { // what one look shows is known
				eventually(t, faultReported, doctored(fault.name))
			}
			heal()
			cleared := eventually(t, faultReported, isHealthy(server.ExtensionAPI))
			progress("%s: %s was reported after %s, and its recovery after %s", fault.what, fault.reason, reported, cleared)
		})
	}
}

// startFaultServer starts a server, and returns when it is healthy.
func startFaultServer(t *testing.T, fault fault) faultServer {
	t.Helper()
	extensionAPI := faultServerAPI(fault.name, fault.name+".example.com", "v1", "v2")
	if fault.spec != nil {
		fault.spec(&extensionAPI.Spec)
	}
	createUntilCleanup(t, extensionAPI)
	eventually(t, faultReported, isHealthy(extensionAPI))
	// Its objects are looked at when it has no fault, so what is found of them does not depend on when that was.
	eventually(t, faultReported, is(extensionAPI, v1alpha1.ConditionServesObjects, metav1.ConditionUnknown,
		v1alpha1.ReasonNotPermitted, ""))
	return faultServer{extensionAPI, connectedFirst(t, ownerLabel, extensionAPI.Name)}
}

// start causes the fault until heal is called.
func (f fault) start(t *testing.T, server faultServer) (heal func()) {
	t.Helper()
	if f.firewall != nil {
		return f.firewall(t, server)
	}
	faulty := server.pods
	if f.connectedOne {
		faulty = faulty[:1]
	}
	for _, pod := range faulty {
		behave(t, pod, f.behaviour)
	}
	return func() {
		for _, pod := range faulty {
			behave(t, pod, behaviour{})
		}
	}
}

// isReported succeeds when the conditions report the fault as documented. An APIService stays registered regardless of
// the state of its server.
func (f fault) isReported(server faultServer, docs *faultDocs) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, server.ExtensionAPI)
		if err == nil {
			err = f.shownBy(current, f.culprit(server))
		}
		if err != nil {
			return err
		}
		return docs.check(f.what, conditionOf(current, v1alpha1.ConditionDiscoveryWithinLimit))
	}
}

// shownBy succeeds when the conditions of the ExtensionAPI report the fault, with the culprit in the message.
func (f fault) shownBy(current *v1alpha1.ExtensionAPI, culprit string) error {
	condition := conditionOf(current, v1alpha1.ConditionDiscoveryWithinLimit)
	if condition.Status == f.status && condition.Reason == f.reason && strings.Contains(condition.Message, culprit) &&
		(f.available == "" || conditionOf(current, v1alpha1.ConditionAPIServicesAvailable).Status == f.available) &&
		conditionOf(current, v1alpha1.ConditionRegistered).Status == metav1.ConditionTrue {
		return nil
	}
	return fmt.Errorf("want DiscoveryWithinLimit=%s %s for %q, APIServicesAvailable=%s and Registered=True, have %s",
		f.status, f.reason, culprit, f.available, describe(current))
}

// isHealthy succeeds when all conditions are healthy, and every replica is available: a single one makes an
// ExtensionAPI Ready.
func isHealthy(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err == nil && !isWell(current) {
			err = fmt.Errorf("not healthy: %s", describe(current))
		}
		return err
	}
}

func isWell(current *v1alpha1.ExtensionAPI) bool {
	available := v1alpha1.ReasonReplicasAvailable
	if current.Spec.ExistingService != nil {
		available = v1alpha1.ReasonEndpointsReady
	}
	return conditionOf(current, v1alpha1.ConditionReady).Status == metav1.ConditionTrue &&
		conditionOf(current, v1alpha1.ConditionServerAvailable).Reason == available &&
		conditionOf(current, v1alpha1.ConditionDiscoveryWithinLimit).Reason == v1alpha1.ReasonWithinLimit
}

// There are never two failed probes in a row, and three change the condition.
func TestServerThatFailsEveryOtherProbeDoesNotFlapTheCondition(t *testing.T) {
	flapping := fault{name: "flapping", behaviour: behaviour{
		Discovery: extensionserver.Fault{Status: http.StatusInternalServerError}, EveryOther: true,
	}}
	server := startFaultServer(t, flapping)
	before, err := currently(t.Context(), server.ExtensionAPI)
	if err != nil {
		t.Fatal(err)
	}
	flapping.start(t, server)
	for _, pod := range server.pods {
		// The address of the Service leads to one of them, too, over another connection.
		eventually(t, faultReported, hasBeenProbed(pod, "/apis/flapping.example.com/v1", 30))
	}
	after, err := currently(t.Context(), server.ExtensionAPI)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ConditionAPIServicesAvailable} {
		if turned := conditionOf(after, name).LastTransitionTime; turned != conditionOf(before, name).LastTransitionTime {
			t.Errorf("%s changed at %s: %s", name, turned, describe(after))
		}
	}
}

func hasBeenProbed(pod corev1.Pod, path string, times int) func(context.Context) error {
	return func(ctx context.Context) error {
		requests, err := requestsOf(ctx, pod)
		if probes := requests[extensionserver.Direct][path]; err == nil && probes < times {
			err = fmt.Errorf("%s has been probed %d times, want %d", pod.Name, probes, times)
		}
		return err
	}
}
