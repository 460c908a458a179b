// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

// deploymentOf one replica that is available.
func deploymentOf() *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{Kind: "Deployment", APIVersion: "apps/v1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop", Generation: 1},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}},
		},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1},
	}
}

// impatient is a clock that shows the time, and on which every wait ends at once.
type impatient struct{ clock.RealClock }

func (impatient) After(time.Duration) <-chan time.Time {
	passed := make(chan time.Time, 1)
	passed <- time.Time{}
	return passed
}

// restarting stands for kube-apiserver with a Deployment, whose last earlier Pod terminates after some requests.
type restarting struct {
	deployment *appsv1.Deployment
	// refused is a method that is not permitted, and fails whether discovery fails after the restart.
	refused string
	fails   bool

	restarts, requests atomic.Int32
}

func (f *restarting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	restarted := f.restarts.Load() > 0
	switch {
	case r.URL.Path == "/apis/shop.example.com/v1":
		if restarted {
			f.requests.Add(1)
		}
		if f.fails && restarted {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintf(w, `{"kind":"APIResourceList","groupVersion":"%s","resources":[{"name":"widgets"}]}`, version)
	case r.Method == f.refused:
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"forbidden",`+
			`"reason":"Forbidden","code":403}`)
	case strings.HasSuffix(r.URL.Path, "/pods"):
		_, _ = fmt.Fprintf(w, `{"kind":"PodList","apiVersion":"v1","items":[%s]}`, f.pods(restarted))
	default:
		if r.Method == http.MethodPatch {
			f.restarts.Add(1)
		}
		_ = json.NewEncoder(w).Encode(f.deployment)
	}
}

func (f *restarting) pods(restarted bool) string {
	if restarted && f.requests.Load() < 2*requestersOfRollout {
		return `{"metadata":{"name":"earlier","deletionTimestamp":"2026-01-01T12:00:00Z"}}`
	}
	return ""
}

func TestARolloutEndsWithTheLastEarlierPod(t *testing.T) {
	for name, test := range map[string]struct {
		change   func(*appsv1.Deployment)
		refused  string
		fails    bool
		want     Status
		detail   string
		restarts int32
	}{
		"no request fails":     {want: Passed, detail: "requests in ", restarts: 1},
		"requests fail":        {fails: true, want: Failed, detail: "failed, such as: ", restarts: 1},
		"the user may not":     {refused: http.MethodPatch, want: Skipped, detail: "not permitted: forbidden"},
		"the user may not see": {refused: http.MethodGet, want: Skipped, detail: "not permitted: forbidden"},
		"paused": {
			change: func(d *appsv1.Deployment) { d.Spec.Paused = true }, want: Skipped, detail: "is paused",
		},
		"no replicas": {
			change: func(d *appsv1.Deployment) {
				d.Spec.Replicas = new(int32(0))
				d.Status.Replicas, d.Status.UpdatedReplicas = 0, 0
			},
			want: Skipped, detail: "has no replicas",
		},
		"not available": {
			change: func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 0 }, want: Skipped, detail: "is not available",
		},
		"being rolled out": {
			change: func(d *appsv1.Deployment) { d.Generation = 2 }, want: Skipped, detail: "another rollout goes on",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := &restarting{deployment: deploymentOf(), refused: test.refused, fails: test.fails}
			if test.change != nil {
				test.change(server.deployment)
			}
			suite := Rollout(t.Context(), connecttest.Cluster(t, server), impatient{}, server.deployment.DeepCopy(),
				[]schema.GroupVersion{version})
			result := suite.Cases[0]
			if result.Status != test.want || !strings.Contains(result.Detail, test.detail) {
				t.Errorf("got %+v, want %s, %q", result, test.want, test.detail)
			}
			if server.restarts.Load() != test.restarts {
				t.Errorf("restarted %d times, want %d", server.restarts.Load(), test.restarts)
			}
		})
	}
}

func TestARolloutWithoutAnAnswerFails(t *testing.T) {
	if err := judgeRollout(nil, time.Second); err == nil || errors.As(err, new(notedError)) {
		t.Errorf("got %v", err)
	}
	passed := judgeRollout([]discovery.Sample{{Latency: time.Millisecond}}, 20*time.Second)
	if want := "1 requests in 20s: p50 1ms, p90 1ms, p99 1ms, max 1ms"; passed.Error() != want {
		t.Errorf("got %q, want %q", passed, want)
	}
}
