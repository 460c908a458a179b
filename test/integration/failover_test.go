// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// These tests run two operators, one of which leads, so no other test runs in parallel.

// soonLost are leader election times with which a leader that is cut off loses its Lease within seconds, but not a
// leader on a busy machine.
var soonLost = leaseTimes{new(8 * time.Second), new(5 * time.Second), new(200 * time.Millisecond)}

// departure is a way in which a leader stops leading.
type departure struct {
	name  string
	leave func(*testing.T, *operator)
}

var departures = []departure{
	{"handover-stopped", func(_ *testing.T, leader *operator) { leader.stop() }},
	{"handover-cut-off", loseLease},
}

// loseLease looks like a crash to other operators: the Lease is not released.
func loseLease(t *testing.T, leader *operator) {
	t.Helper()
	leader.cutOff.Store(true)
	expectClosed(t, leader.ended, "the leader does not end, although it has lost its Lease")
	if leader.err == nil || leader.err.Error() != "leader election lost" {
		t.Errorf("the leader terminated with %v", leader.err)
	}
}

func TestNextLeaderReportsChangesAfterOneProbe(t *testing.T) {
	for _, departure := range departures {
		t.Run(departure.name, func(t *testing.T) {
			leader, standby := startPair(t)
			server := registerPatiently(t, departure.name)
			warm := standby.watches.distinct()

			departure.leave(t, leader)
			server.Behave(failing(http.StatusServiceUnavailable))
			change(t, named(departure.name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Groups[0].GroupPriorityMinimum = 2000 })
			expectClosed(t, standby.elected, "the standby does not take over")
			running = standby

			expectBreachReported(t, departure.name)
			if probes := server.Requests()[extensionserver.Direct]["/apis/"+departure.name+".example.com/v1"]; probes > 2 {
				// It is probed again when kube-apiserver has noticed, too.
				t.Errorf("the server was probed %d times until the change was reported", probes)
			}
			if begun := standby.watches.distinct().Difference(warm); len(begun) > 0 {
				t.Errorf("the operator started to watch %q only after it became the leader", sets.List(begun))
			}
		})
	}
}

func TestLeaderKeepsItsLeaseUntilItsWorkIsFinished(t *testing.T) {
	const name = "handover-working"
	leader, standby := startPair(t)
	startRollout(t, name)
	begun, proceed := delayWrite(t, leader, "/deployments/"+name)
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Replicas = new(int32(3)) })
	expectClosed(t, begun, "the leader does not change the Deployment")

	go leader.stop()
	expectRenewed(t, readLease(t))
	proceed()
	expectClosed(t, leader.ended, "the leader does not terminate")
	expectClosed(t, standby.elected, "the standby does not become the leader")
}

func readLease(t *testing.T) *coordinationv1.Lease {
	t.Helper()
	lease := &coordinationv1.Lease{ObjectMeta: in(operatorNamespace, operatorAccount)}
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(lease), lease); err != nil {
		t.Fatal(err)
	}
	return lease
}

// expectRenewed waits until the holder of the Lease has renewed it several times: one renewal may precede the signal to
// stop.
func expectRenewed(t *testing.T, lease *coordinationv1.Lease) {
	t.Helper()
	const enough = 5
	renewals := sets.New[string]()
	eventually(t, func() error {
		now := readLease(t)
		if !ptr.Equal(now.Spec.HolderIdentity, lease.Spec.HolderIdentity) {
			t.Fatal("the leader has lost its Lease before its work is finished")
		}
		renewals.Insert(now.Spec.RenewTime.String())
		if len(renewals) < enough {
			return fmt.Errorf("the leader has renewed its Lease %d times since it started to stop", len(renewals)-1)
		}
		return nil
	})
}

// delayWrite delays the operator's write requests for the object at the end of path until proceed is called.
func delayWrite(t *testing.T, o *operator, path string) (begun <-chan struct{}, proceed func()) {
	t.Helper()
	reached, released := make(chan struct{}), make(chan struct{})
	reach := sync.OnceFunc(func() { close(reached) })
	hold := func(request *http.Request) bool {
		if request.Method == http.MethodPatch && strings.HasSuffix(request.URL.Path, path) {
			reach()
			<-released
		}
		return false
	}
	o.fails.Store(&hold)
	proceed = sync.OnceFunc(func() { close(released) })
	t.Cleanup(proceed)
	return reached, proceed
}

// startPair stops the operator until the end of the test, and starts two operators, the first of which leads.
func startPair(t *testing.T) (leader, standby *operator) {
	t.Helper()
	stopOperator(t)
	var pair []*operator
	for range 2 {
		o, err := launchOperator(plane, soonLost, installed)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(o.stop)
		if len(pair) == 0 {
			expectClosed(t, o.elected, "the first operator does not lead")
		}
		pair = append(pair, o)
	}
	leader, standby = pair[0], pair[1]
	eventually(t, func() error {
		if !leader.isReady() || !standby.isReady() {
			return errors.New("the operators are not ready")
		}
		if begun, wanted := standby.watches.distinct(), leader.watches.distinct(); !begun.Equal(wanted) {
			return fmt.Errorf("the standby watches %q and the leader %q", sets.List(begun), sets.List(wanted))
		}
		return nil
	})
	return leader, standby
}

// registerPatiently registers a server that is probed every 30 seconds, and for which one response changes the
// conditions.
func registerPatiently(t *testing.T, name string) *extensionserver.Local {
	t.Helper()
	backend, server := startBackend(t, name, "v1")
	extensionAPI := backend.declare(groups(name+".example.com", "v1"))
	extensionAPI.Spec.Discovery = v1alpha1.Discovery{
		Interval: &metav1.Duration{Duration: 30 * time.Second}, FailureThreshold: 1, SuccessThreshold: 1,
	}
	apply(t, extensionAPI)
	awaitRegistered(t, name)
	return server
}

// expectBreachReported waits until conditions, metrics and the APIService reflect the current spec and server.
func expectBreachReported(t *testing.T, name string) {
	t.Helper()
	eventually(t, func() error {
		extensionAPI, apiService := get(t, name), apiServices(t, name)["v1."+name+".example.com"]
		if extensionAPI.Status.ObservedGeneration != extensionAPI.Generation || apiService.Spec.GroupPriorityMinimum != 2000 {
			return errors.New("the current spec has not been applied")
		}
		return isFalse(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonServerError, "503").check(extensionAPI)
	})
	eventually(t, func() error {
		conditions := metricsOf(t, running.metrics, "extensionapi_condition", map[string]string{
			"extensionapi": name, "type": v1alpha1.ConditionDiscoveryWithinLimit, "status": "False",
		})
		failures := metricsOf(t, running.metrics, "extensionapi_discovery_failures_total", map[string]string{
			"extensionapi": name, "group": name + ".example.com", "version": "v1", "view": "endpoint",
			"document": "group-version",
		})
		if len(conditions) != 1 || conditions[0].GetGauge().GetValue() != 1 || len(failures) != 1 {
			return fmt.Errorf("the metrics are %v and %v", conditions, failures)
		}
		return nil
	})
}

func TestEjectedReplicaStaysEjectedAfterAFailover(t *testing.T) {
	const name = "handover-ejected"
	replicas := startReplicas(t, name, 2)
	replicas[1].Behave(unavailable)
	awaitEjected(t, name, "handover-ejected-1")
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error { return reportsEjected(e, "handover-ejected-1") })
	awaitSilence(t)

	startAgain := stopOperator(t)
	before := resourceVersions(t, replicas[0].pod, replicas[1].pod)
	replicas[1].Behave(unavailable) // resets its request counts
	startAgain()
	eventually(t, func() error {
		if probes := replicas[1].Requests()[extensionserver.Direct]["/apis"]; probes < 2 {
			return fmt.Errorf("the ejected replica was probed %d times", probes)
		}
		return nil
	})
	expectUnchanged(t, before, resourceVersions(t, replicas[0].pod, replicas[1].pod))
	replicas[1].Behave(extensionserver.Behaviour{})
	awaitEjected(t, name)
}

func expectClosed(t *testing.T, event <-chan struct{}, complaint string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(patience):
		t.Fatal(complaint)
	}
}
