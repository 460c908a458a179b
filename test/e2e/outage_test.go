// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"errors"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// watched is how long an outage is observed.
const watched = 2 * time.Minute

// outage is a fault of the replica that kube-apiserver is connected to.
type outage struct {
	what  string
	begin func(*testing.T, corev1.Pod) (end func())
	// interval at which the operator probes.
	interval time.Duration
}

var outages = []outage{
	{"answers discovery in 7 s", makeSlow, 10 * time.Second},
	// kube-apiserver closes its connection to the replica after 45 s, and applies no change before that if it is waiting
	// for a response on it (docs/concepts/ejection.md). A shorter interval would promise more than that allows.
	{"is stopped", stop, 15 * time.Second},
}

// healed returns the time limit for requests to succeed again with the operator, even if the first reconnects are too
// early for a busy kube-proxy: the last probe times out after 6 s, and there is another attempt 15 s later.
func (o outage) healed() time.Duration {
	return v1alpha1.DefaultFailureThreshold*o.interval + 30*time.Second
}

// outageAPI returns the ExtensionAPI that replaces wardle, for the functions that use the latter.
func outageAPI(interval time.Duration) *v1alpha1.ExtensionAPI {
	extensionAPI := faultServerAPI("wardle", flunderGroup, "v1beta1", "v1alpha1")
	extensionAPI.Spec.Discovery.Interval = &metav1.Duration{Duration: interval}
	return extensionAPI
}

// struck is an outage in progress, until end is called.
type struck struct {
	pod corev1.Pod
	// lasted is how long requests failed, unknown if they still fail.
	lasted time.Duration
	over   bool
	end    func()
}

// strike causes an outage under load, and returns when requests succeed again, or after a timeout. The label selects
// the Pods: the operator's or those written by hand.
func (o outage) strike(t *testing.T, label string) struck {
	t.Helper()
	const served = "/apis/" + flunderGroup
	load := startReading(t, served+"/v1beta1", served+"/v1alpha1/widgets", served+"/v1alpha1", served+"/v1beta1/widgets")
	pod := connectedFirst(t, label, "wardle")[0]
	begun := time.Now()
	s := struck{pod: pod, end: o.begin(t, pod)}
	eventually(t, time.Minute, load.hasFailed)
	_, err := poll(t.Context(), watched, load.isSteady)
	load.end(t)
	if s.over = err == nil; s.over {
		s.lasted = load.lastFailure().Sub(begun)
		progress("  requests failed for %s", s.lasted.Round(100*time.Millisecond))
	} else {
		progress("  requests still failed after %s", time.Since(begun).Round(time.Second))
	}
	return s
}

func makeSlow(t *testing.T, pod corev1.Pod) (end func()) {
	t.Helper()
	behave(t, pod, behaviour{Discovery: extensionserver.Slow(7 * time.Second)})
	return func() { behave(t, pod, behaviour{}) }
}

// stop sends SIGSTOP to the process: its connections stay open without responses.
func stop(t *testing.T, pod corev1.Pod) (end func()) {
	t.Helper()
	process := processOf(t, pod.Status.ContainerStatuses[0])
	signal := func(signal syscall.Signal) {
		// The kubelet may have killed it.
		if err := syscall.Kill(process, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Error(err)
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}
