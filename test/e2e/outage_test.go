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

// watched is how long it is watched whether an outage ends.
const watched = 2 * time.Minute

// outage is what may be wrong with the replica that kube-apiserver is connected to.
type outage struct {
	what  string
	begin func(*testing.T, corev1.Pod) (end func())
	// interval at which the operator probes.
	interval time.Duration
}

var outages = []outage{
	{"answers discovery in 7 s", makeSlow, 10 * time.Second},
	// kube-apiserver gives up its connection to the replica after 45 s, and loads no change before where it is just
	// waiting for an answer on it (docs/ejection.md). A shorter interval would promise more than it lets the operator do.
	{"is stopped", stop, 15 * time.Second},
}

// healed is within how long requests must succeed again under the operator, also where the first attempts to connect
// anew come too early for a busy kube-proxy: the last probe times out after 6 s, and 15 s later is another attempt.
func (o outage) healed() time.Duration {
	return v1alpha1.DefaultFailureThreshold*o.interval + 30*time.Second
}

// outageAPI stands in wardle's place, for what else is done with it.
func outageAPI(interval time.Duration) *v1alpha1.ExtensionAPI {
	extensionAPI := faultServerAPI("wardle", flunderGroup, "v1beta1", "v1alpha1")
	extensionAPI.Spec.Discovery.Interval = &metav1.Duration{Duration: interval}
	return extensionAPI
}

// struck is what came of an outage, until end.
type struck struct {
	pod corev1.Pod
	// lasted is how long requests failed. If it is not over, nobody knows.
	lasted time.Duration
	over   bool
	end    func()
}

// strike begins an outage under load, and returns when requests succeed again, or have not for too long. The label says
// whose Pods are meant: the operator's or those written by hand.
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

// stop stops the process without a word: its connections stay, and nobody answers on them.
func stop(t *testing.T, pod corev1.Pod) (end func()) {
	t.Helper()
	process := processOf(t, pod.Status.ContainerStatuses[0])
	signal := func(signal syscall.Signal) {
		// The kubelet may have ended it.
		if err := syscall.Kill(process, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Error(err)
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}
