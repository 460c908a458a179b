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

// faultTold is within how long a fault is told, and its end.
const faultTold = 3 * time.Minute

// fault is what goes wrong with a server of two replicas and two versions, and how that is told.
type fault struct {
	// name of the ExtensionAPI.
	name string
	// what describes the fault in docs/faults.md.
	what string

	// behaviour of every replica, or only of the one that kube-apiserver is connected to.
	behaviour    behaviour
	connectedOne bool
	// firewall drops packets instead, until lift is called.
	firewall func(*testing.T, faultServer) (lift func())
	// spec is changed beforehand.
	spec func(*v1alpha1.ExtensionAPISpec)

	status metav1.ConditionStatus
	reason string
	// culprit must be in the message.
	culprit func(faultServer) string
	// available is what kube-apiserver says; empty where it may come to be connected to the other replica by itself.
	available metav1.ConditionStatus
}

func TestFaultsAreToldAndClear(t *testing.T) {
	docs := openFaultDocs(t)
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			server := startFaultServer(t, fault)
			heal := fault.start(t, server)
			told := eventually(t, faultTold, fault.isTold(server, docs))
			heal()
			cleared := eventually(t, faultTold, isWell(server.ExtensionAPI))
			progress("%s: %s was told after %s, and its end after %s", fault.what, fault.reason, told, cleared)
		})
	}
}

// startFaultServer returns when all is well.
func startFaultServer(t *testing.T, fault fault) faultServer {
	t.Helper()
	extensionAPI := faultServerAPI(fault.name, fault.name+".example.com", "v1", "v2")
	if fault.spec != nil {
		fault.spec(&extensionAPI.Spec)
	}
	createUntilTheEnd(t, extensionAPI)
	eventually(t, faultTold, isWell(extensionAPI))
	return faultServer{extensionAPI, connectedFirst(t, ownerLabel, extensionAPI.Name)}
}

// start brings the fault about, until heal is called.
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

// isTold succeeds when the conditions tell of the fault, in the words of the docs. An APIService stays registered
// whatever happens to its server.
func (f fault) isTold(server faultServer, docs *faultDocs) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, server.ExtensionAPI)
		if err != nil {
			return err
		}
		told := conditionOf(current, v1alpha1.ConditionDiscoveryWithinLimit)
		if told.Status == f.status && told.Reason == f.reason && strings.Contains(told.Message, f.culprit(server)) &&
			(f.available == "" || conditionOf(current, v1alpha1.ConditionAPIServicesAvailable).Status == f.available) &&
			conditionOf(current, v1alpha1.ConditionRegistered).Status == metav1.ConditionTrue {
			return docs.check(f.what, told)
		}
		return fmt.Errorf("want DiscoveryWithinLimit=%s %s of %q, APIServicesAvailable=%s and Registered=True, have %s",
			f.status, f.reason, f.culprit(server), f.available, describe(current))
	}
}

// isWell succeeds when nothing is wrong, and every replica is available: one alone makes an ExtensionAPI Ready.
func isWell(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err == nil && (conditionOf(current, v1alpha1.ConditionReady).Status != metav1.ConditionTrue ||
			conditionOf(current, v1alpha1.ConditionServerAvailable).Reason != v1alpha1.ReasonReplicasAvailable ||
			conditionOf(current, v1alpha1.ConditionDiscoveryWithinLimit).Reason != v1alpha1.ReasonWithinLimit) {
			err = fmt.Errorf("not all is well: %s", describe(current))
		}
		return err
	}
}

// Two bad probes in a row never come about, and three turn the condition.
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
		// The Service's address leads to one of them, too, over another connection.
		eventually(t, faultTold, hasBeenProbed(pod, "/apis/flapping.example.com/v1", 30))
	}
	after, err := currently(t.Context(), server.ExtensionAPI)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ConditionAPIServicesAvailable} {
		if turned := conditionOf(after, name).LastTransitionTime; turned != conditionOf(before, name).LastTransitionTime {
			t.Errorf("%s turned at %s: %s", name, turned, describe(after))
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
