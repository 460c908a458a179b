// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// probedEvery is the interval at which faults of the control plane are looked for.
const probedEvery = 2 * time.Second

// undisturbed is what happens to servers while every kube-apiserver is healthy.
var undisturbed = map[string]func(*testing.T, []kubeAPIServer, *v1alpha1.ExtensionAPI, *v1alpha1.ExtensionAPI){
	"a rotation of both certificates loses no request": func(
		t *testing.T, servers []kubeAPIServer, sample, _ *v1alpha1.ExtensionAPI,
	) {
		t.Helper()
		onlyLong(t) // one kube-apiserver is enough for the steps themselves: TestRotationsLoseNoRequest
		through := useThrough(t, servers)
		now := metav1.Now()
		change(t, sample, func(spec *v1alpha1.ExtensionAPISpec) {
			managed(spec).RotateServingAfter, managed(spec).RotateCAAfter = &now, &now
		})
		if phases := follow(t, sample, false); !slices.Contains(phases, v1alpha1.RotationAwaitingServed) {
			t.Errorf("the rotation went through the phases %q", phases)
		}
		through.mustLoseNothing(t)
	},
	"each reconnects when a slow replica is ejected": func(
		t *testing.T, servers []kubeAPIServer, _, divided *v1alpha1.ExtensionAPI,
	) {
		t.Helper()
		through := readThrough(t, servers, dividedReads...)
		slow := connectedFirst(t, ownerLabel, divided.Name)[0]
		restore := makeSlow(t, slow)
		t.Cleanup(restore)
		eventually(t, faultReported, ejects(divided, slow.Name))
		progress("  requests through each succeed again %s after the ejection",
			eventually(t, watched, through.areSteady))
		restore()
		eventually(t, watched, isHealthy(divided))
		for _, load := range through {
			load.end(t)
		}
	},
	"each gets discovery from the stand-in": func(
		t *testing.T, servers []kubeAPIServer, _, _ *v1alpha1.ExtensionAPI,
	) {
		t.Helper()
		dies := serverFault{name: "killed", kill: always(syscall.SIGKILL)}
		m := startReplaceable(t, dies, "control-plane-", v1alpha1.StandInAutomatic)
		eventually(t, time.Minute, m.canBeReplaced)
		revive := dies.kill(t, m)
		eventually(t, 2*time.Minute, m.isReplaced)
		for _, server := range servers {
			eventually(t, time.Minute, server.answersAdministrator(m, "/apis/"+m.Spec.Groups[0].Name+"/v1"))
		}
		revive()
		eventually(t, 2*time.Minute, m.isBack)
		for _, server := range servers {
			eventually(t, time.Minute, server.answersAdministrator(m, m.objectPath()))
		}
	},
}

// TestEachOfSeveralKubeAPIServersServesTheAPI lets two ExtensionAPIs live through what happens to servers and to one of
// the kube-apiservers, with load through the others. The sample authenticates kube-apiserver, and has one of them
// authorize each request; the server with configurable faults does neither.
func TestEachOfSeveralKubeAPIServersServesTheAPI(t *testing.T) {
	servers := eachKubeAPIServer(t)
	sample, divided := wardle(t, sampleNamespace), faultServerAPI(dividedName, dividedGroup, "v1")
	sample.Spec.Discovery.Interval = &metav1.Duration{Duration: probedEvery}
	for _, extensionAPI := range []*v1alpha1.ExtensionAPI{sample, divided} {
		createUntilCleanup(t, extensionAPI)
	}
	for _, extensionAPI := range []*v1alpha1.ExtensionAPI{sample, divided} {
		eventually(t, time.Minute, isHealthy(extensionAPI))
	}
	for _, server := range servers {
		for _, path := range slices.Concat(flunderReads, dividedReads) {
			if err := server.serves(t, path)(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	t.Run("while all are healthy", func(t *testing.T) {
		for name, happens := range undisturbed {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				happens(t, servers, sample, divided)
			})
		}
	})
	for i, fault := range controlPlaneFaults {
		t.Run("while one is "+fault.name, func(t *testing.T) {
			fault.happen(t, servers, i%len(servers), sample, divided)
		})
	}
	t.Run("while one hangs, the API can be deleted", func(t *testing.T) { deleteWhileOneHangs(t, servers, divided) })
}

// deleteWhileOneHangs expects that the kube-apiserver that hung forgets the API, too.
func deleteWhileOneHangs(t *testing.T, servers []kubeAPIServer, divided *v1alpha1.ExtensionAPI) {
	t.Helper()
	hangs := servers[0]
	resume := hung(t, hangs)
	start := time.Now()
	// The connection to a kube-apiserver that hangs is closed by the balancer, which takes some seconds.
	eventually(t, time.Minute, func(ctx context.Context) error {
		return client.IgnoreNotFound(kube.Delete(ctx, divided))
	})
	if err := remove(t.Context(), divided); err != nil {
		t.Fatal(err)
	}
	progress("  deleted after %s", time.Since(start).Round(time.Second))
	for _, server := range others(servers, hangs) {
		if err := server.forgets(t)(t.Context()); err != nil {
			t.Error(err)
		}
	}
	resume()
	eventually(t, time.Minute, hangs.forgets(t))
}

var errServed = errors.New("it is served")

// forgets succeeds when the kube-apiserver answers 404 for the deleted API.
func (s kubeAPIServer) forgets(t *testing.T) func(context.Context) error {
	t.Helper()
	serves := s.serves(t, dividedReads[0])
	return func(ctx context.Context) error {
		err := serves(ctx)
		if err == nil || !strings.Contains(err.Error(), ": 404 Not Found") {
			err = fmt.Errorf("kube-apiserver %d has not forgotten the API: %w", s.number, cmp.Or(err, errServed))
		} else {
			err = nil
		}
		return err
	}
}

func (s kubeAPIServer) answersAdministrator(m *replaceable, path string) func(context.Context) error {
	return func(ctx context.Context) error {
		return exchange(ctx, m.client, http.MethodGet, "https://"+s.address+path, "")
	}
}

// ejects succeeds when status reports the Pod as ejected.
func ejects(extensionAPI *v1alpha1.ExtensionAPI, pod string) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		isEjected := func(e v1alpha1.EndpointStatus) bool { return e.Pod == pod && e.Ejected != nil }
		if !slices.ContainsFunc(current.Status.Endpoints, isEjected) {
			return fmt.Errorf("Pod %s is not ejected: %+v", pod, current.Status.Endpoints)
		}
		return nil
	}
}
