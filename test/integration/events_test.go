// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

func TestEventsAreEmittedOnlyForTransitions(t *testing.T) {
	t.Parallel()
	const name = "eventful"
	backend, server := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	awaitRegistered(t, name)
	healthy := map[string]int{
		"Normal UserProvided": 1, "Normal EndpointsReady": 1, "Normal Registered": 1, "Normal AllAvailable": 1,
		"Normal WithinLimit": 1, "Normal Ready": 1,
	}
	expectEvents(t, name, healthy)

	server.Behave(failing(http.StatusInternalServerError))
	triggerAvailabilityCheck(t, backend)
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionAPIServicesAvailable, "FailedDiscoveryCheck"))
	withFaults := maps.Clone(healthy)
	withFaults["Warning FailedDiscoveryCheck"], withFaults["Warning ServerError"] = 1, 1
	expectEvents(t, name, withFaults)

	server.Behave(extensionserver.Behaviour{})
	awaitRegistered(t, name)
	for _, again := range []string{"Normal AllAvailable", "Normal WithinLimit", "Normal Ready"} {
		withFaults[again] = 2
	}
	expectEvents(t, name, withFaults)
}

func TestEventsReportCertificatesAndServerFaults(t *testing.T) {
	t.Parallel()
	const name = "eventful-server"
	startRollout(t, name)
	runPod(t, name, waiting("ErrImagePull", "not found"))
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonImagePullBackOff))
	expectEvents(t, name, map[string]int{"Normal CertificateIssued": 1, "Warning ImagePullBackOff": 1})
}

// expectEvents waits for the events, and checks that there are no others for a while.
func expectEvents(t *testing.T, name string, wanted map[string]int) {
	t.Helper()
	check := func() error {
		if found := eventsOf(t, name); !maps.Equal(found, wanted) {
			return fmt.Errorf("the events are %v, want %v", found, wanted)
		}
		return nil
	}
	eventually(t, check)
	consistently(t, check)
}

// expectEvent waits for an event whose note contains all of says, and returns it.
func expectEvent(t *testing.T, name, typeAndReason string, says ...string) (event string) {
	t.Helper()
	eventually(t, func() error {
		var found []string
		for _, event := range listEvents(t, name) {
			found = append(found, event.Type+" "+event.Reason+": "+event.Note)
		}
		isWanted := func(event string) bool {
			return strings.HasPrefix(event, typeAndReason+": ") && !slices.ContainsFunc(says, func(part string) bool {
				return !strings.Contains(event, part)
			})
		}
		i := slices.IndexFunc(found, isWanted)
		if i < 0 {
			return fmt.Errorf("none of the events %q is %s and contains %q", found, typeAndReason, says)
		}
		event = found[i]
		return nil
	})
	return event
}

func listEvents(t *testing.T, name string) []eventsv1.Event {
	t.Helper()
	list := &eventsv1.EventList{}
	if err := plane.client.List(ctx, list, client.InNamespace(metav1.NamespaceDefault)); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(event eventsv1.Event) bool {
		return event.Regarding.Kind != "ExtensionAPI" || event.Regarding.Name != name
	})
}

// eventsOf counts the events of an ExtensionAPI by type and reason.
func eventsOf(t *testing.T, name string) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, event := range listEvents(t, name) {
		times := 1
		if event.Series != nil {
			times = int(event.Series.Count)
		}
		found[event.Type+" "+event.Reason] += times
	}
	return found
}
