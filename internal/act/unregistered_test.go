// SPDX-License-Identifier: Apache-2.0

package act

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

func TestTheServerRunsOnWhileKubeAPIServersMaySendRequestsToIt(t *testing.T) {
	served := []schema.GroupVersion{{Group: "example.com", Version: "v1"}}
	dead := map[string]string{"10.0.0.2:6443": "connection refused", "10.0.0.1:6443": "timeout"}
	for name, test := range map[string]struct {
		served     []schema.GroupVersion
		failures   map[string]string
		deletedFor time.Duration
		want       string
	}{
		"it is served":            {served, nil, 0, "every kube-apiserver to drop example.com/v1"},
		"it is served for long":   {served, nil, time.Hour, "every kube-apiserver to drop example.com/v1"},
		"it is served by another": {served, dead, time.Hour, "every kube-apiserver to drop example.com/v1"},
		"it is not served":        {nil, nil, 0, ""},
		"one cannot be probed": {
			nil, dead, awaitedFor - time.Second,
			"an answer of kube-apiserver 10.0.0.1:6443 (timeout), 10.0.0.2:6443 (connection refused)",
		},
		"one cannot be probed for long": {nil, dead, awaitedFor, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := unregistering(test.served, test.failures, test.deletedFor); got != test.want {
				t.Errorf("waits for %q, want %q", got, test.want)
			}
		})
	}
}

func TestAKubeAPIServerThatIsNotAwaitedIsNamed(t *testing.T) {
	message := notAwaited(map[string]string{"10.0.0.1:6443": strings.Repeat("no route to host, ", 100)})
	got := excerpt.Of(message, report.MaxNote)
	if !strings.Contains(got, "10.0.0.1:6443") || !strings.Contains(got, "kubectl") {
		t.Errorf("the Event is %q", got)
	}
}
