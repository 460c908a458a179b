// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// askedLayer is a Layer of one kube-apiserver.
type askedLayer struct {
	*Layer
	client.Reader
	clock *clocktesting.FakeClock
	// checks are what the kube-apiserver lists, data is what the ConfigMap has, and err what comes of reading it.
	checks string
	data   map[string]string
	err    error
	// asked counts how often the kube-apiserver was asked.
	asked  int
	logged bytes.Buffer
}

func newAskedLayer(t *testing.T) *askedLayer {
	t.Helper()
	l := &askedLayer{
		clock:  clocktesting.NewFakeClock(time.Now()),
		checks: aggregatorChecks + identityCheck + "ok\n",
		data:   trustData(t),
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/readyz?verbose" {
			t.Errorf("asked for %s", r.URL)
		}
		l.asked++
		_, _ = w.Write([]byte(l.checks))
	}))
	t.Cleanup(server.Close)
	l.Layer = NewLayer(&KubeAPIServers{}, l, l.clock)
	l.clients = func(context.Context) (map[string]*http.Client, error) {
		return map[string]*http.Client{strings.TrimPrefix(server.URL, "https://"): server.Client()}, nil
	}
	return l
}

func (l *askedLayer) Get(
	_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption,
) error {
	if configMap, ok := object.(*corev1.ConfigMap); ok && key == trustConfigMap {
		configMap.Data = l.data
	}
	return l.err
}

func (l *askedLayer) ask(t *testing.T) Configuration {
	t.Helper()
	return l.Configuration(ctrl.LoggerInto(t.Context(), zap.New(zap.WriteTo(&l.logged))))
}

func TestTheLayerIsBadWhenSomethingIsKnownToBeMissing(t *testing.T) {
	unlisted := func(context.Context) (map[string]*http.Client, error) { return nil, errors.New("no such list") }
	tests := map[string]struct {
		change           func(*askedLayer)
		missing, unknown string
	}{
		"all there":      {func(*askedLayer) {}, "", ""},
		"no certificate": {func(l *askedLayer) { l.checks = aggregatorChecks }, "--proxy-client-cert-file", ""},
		"no authority":   {func(l *askedLayer) { l.data = nil }, "--requestheader-client-ca-file", ""},
		"no ConfigMap": {
			func(l *askedLayer) { l.data, l.err = nil, apierrors.NewNotFound(corev1.Resource("configmaps"), "") },
			"--requestheader-client-ca-file", "",
		},
		"a ConfigMap that must not be read": {
			func(l *askedLayer) { l.err = errors.New("forbidden") },
			"", "reading ConfigMap kube-system/extension-apiserver-authentication: forbidden",
		},
		"no list of checks":          {func(l *askedLayer) { l.checks = "ok" }, "", "it answers 200 OK"},
		"no list of kube-apiservers": {func(l *askedLayer) { l.clients = unlisted }, "", "no such list"},
		"one known, one not": {
			func(l *askedLayer) { l.checks, l.data = "ok", nil }, "--requestheader-client-ca-file", "it answers 200 OK",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newAskedLayer(t)
			test.change(l)
			got := l.ask(t)
			assertOne(t, "missing", got.Missing, test.missing)
			assertOne(t, "unknown", got.Unknown, test.unknown)
		})
	}
}

// assertOne wants one entry with that part, or none at all for an empty one.
func assertOne(t *testing.T, what string, got []string, part string) {
	t.Helper()
	if part == "" && len(got) > 0 || part != "" && (len(got) != 1 || !strings.Contains(got[0], part)) {
		t.Errorf("%s are %q, want one with %q", what, got, part)
	}
}

func TestAnAnswerIsRememberedForLongerWhenItIsGood(t *testing.T) {
	for name, test := range map[string]struct {
		checks string
		after  time.Duration
	}{
		"good":      {aggregatorChecks + identityCheck, time.Minute},
		"bad":       {aggregatorChecks, AskedAgainAfter},
		"not known": {"ok", AskedAgainAfter},
	} {
		t.Run(name, func(t *testing.T) {
			l := newAskedLayer(t)
			l.checks = test.checks
			l.ask(t)
			l.clock.Step(test.after - time.Second)
			if l.ask(t); l.asked != 1 {
				t.Errorf("asked again before %s have passed", test.after)
			}
			l.clock.Step(time.Second)
			if l.ask(t); l.asked != 2 {
				t.Errorf("not asked again after %s", test.after)
			}
		})
	}
}

func TestWhatIsNotKnownIsLoggedOnce(t *testing.T) {
	l := newAskedLayer(t)
	l.err = errors.New("forbidden")
	for range 3 {
		l.ask(t)
		l.clock.Step(time.Minute)
	}
	if got := l.logged.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "forbidden") {
		t.Errorf("logged %q", got)
	}
}
