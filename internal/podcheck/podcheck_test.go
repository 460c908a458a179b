// SPDX-License-Identifier: Apache-2.0

package podcheck

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// answering returns the address of a server with these responses, by path.
func answering(t *testing.T, responses map[string]string) (address string) {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials are sent")
		}
		response, found := responses[r.URL.Path]
		if !found {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte(response))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "https://")
}

func TestOnlyChecksThatFailAreNamed(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("[+]ping ok\n[-]etcd failed: reason withheld\n[-]informer-sync failed: withheld\n" +
			"readyz check failed"))
	}))
	t.Cleanup(server.Close)
	got := readyz(t.Context(), strings.TrimPrefix(server.URL, "https://"))
	if !slices.Equal(got.Failed, []string{"etcd", "informer-sync"}) || !got.Healthy {
		t.Errorf("got %+v", got)
	}
}

func TestAReadyServerHasNoFailedChecks(t *testing.T) {
	got := readyz(t.Context(), answering(t, map[string]string{"/readyz": "[-]never failed: since it is ready"}))
	if len(got.Failed) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestHostileChecksAreBoundedAndPrintable(t *testing.T) {
	got := failedChecks(strings.Repeat("[-]"+strings.Repeat("x", 1000)+"\x1b[2J failed\n", 100))
	if len(got) != maxChecks || len(got[0]) > maxName || strings.Contains(got[0], "\x1b") {
		t.Errorf("%d names of %d bytes: %q", len(got), len(got[0]), got[0])
	}
}

func TestOnlyEventsOfTheCurrentOutageAreRecent(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	pod := &corev1.Pod{}
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(noon),
	}}
	for after, want := range map[time.Duration]bool{
		time.Hour: true, 0: true, -30 * time.Second: true, -40 * time.Minute: false,
	} {
		event := &corev1.Event{LastTimestamp: metav1.NewTime(noon.Add(after))}
		if got := isRecent(event, pod); got != want {
			t.Errorf("%s after the Pod turned unready: recent is %t", after, got)
		}
	}
}

func TestAnEventIsAsOldAsItsLastOccurrence(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for name, event := range map[string]corev1.Event{
		"of the core API":  {LastTimestamp: metav1.NewTime(now)},
		"of events.k8s.io": {EventTime: metav1.NewMicroTime(now)},
		"repeated since it was": {
			EventTime: metav1.NewMicroTime(now.Add(-time.Hour)),
			Series:    &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(now)},
		},
	} {
		if got := lastSeen(&event); !got.Equal(now) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
