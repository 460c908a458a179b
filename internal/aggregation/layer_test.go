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

// layerTest is a Layer of one kube-apiserver.
type layerTest struct {
	*Layer
	client.Reader
	clock *clocktesting.FakeClock
	// checks is the kube-apiserver's list of health checks, data is the data of the ConfigMap, and err the error of
	// reading it.
	checks string
	data   map[string]string
	err    error
	// requests counts the requests to the kube-apiserver.
	requests int
	logged   bytes.Buffer
}

func newLayerTest(t *testing.T) *layerTest {
	t.Helper()
	l := &layerTest{
		clock:  clocktesting.NewFakeClock(time.Now()),
		checks: aggregatorChecks + proxyCertificateStatus + "ok\n",
		data:   trustData(t),
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/readyz?verbose" {
			t.Errorf("requested %s", r.URL)
		}
		l.requests++
		_, _ = w.Write([]byte(l.checks))
	}))
	t.Cleanup(server.Close)
	l.Layer = NewLayer(&KubeAPIServers{}, l, l.clock)
	l.clients = func(context.Context) (map[string]*http.Client, error) {
		return map[string]*http.Client{strings.TrimPrefix(server.URL, "https://"): server.Client()}, nil
	}
	return l
}

func (l *layerTest) Get(
	_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption,
) error {
	if configMap, ok := object.(*corev1.ConfigMap); ok && key == trustConfigMap {
		configMap.Data = l.data
	}
	return l.err
}

func (l *layerTest) configuration(t *testing.T) Configuration {
	t.Helper()
	return l.Configuration(ctrl.LoggerInto(t.Context(), zap.New(zap.WriteTo(&l.logged))))
}

func TestLayerIsNotConfiguredIfSomethingIsMissing(t *testing.T) {
	unlisted := func(context.Context) (map[string]*http.Client, error) { return nil, errors.New("no such list") }
	tests := map[string]struct {
		change           func(*layerTest)
		missing, unknown string
	}{
		"all there":      {func(*layerTest) {}, "", ""},
		"no certificate": {func(l *layerTest) { l.checks = aggregatorChecks }, "--proxy-client-cert-file", ""},
		"no CA":          {func(l *layerTest) { l.data = nil }, "--requestheader-client-ca-file", ""},
		"no ConfigMap": {
			func(l *layerTest) { l.data, l.err = nil, apierrors.NewNotFound(corev1.Resource("configmaps"), "") },
			"--requestheader-client-ca-file", "",
		},
		"a ConfigMap that must not be read": {
			func(l *layerTest) { l.err = errors.New("forbidden") },
			"", "reading ConfigMap kube-system/extension-apiserver-authentication: forbidden",
		},
		"no list of checks":          {func(l *layerTest) { l.checks = "ok" }, "", "returned 200 OK"},
		"no list of kube-apiservers": {func(l *layerTest) { l.clients = unlisted }, "", "no such list"},
		"one known, one not": {
			func(l *layerTest) { l.checks, l.data = "ok", nil }, "--requestheader-client-ca-file", "returned 200 OK",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLayerTest(t)
			test.change(l)
			got := l.configuration(t)
			assertOne(t, "missing", got.Missing, test.missing)
			assertOne(t, "unknown", got.Unknown, test.unknown)
		})
	}
}

// assertOne checks that there is one entry that contains part, or none if part is empty.
func assertOne(t *testing.T, what string, got []string, part string) {
	t.Helper()
	if part == "" && len(got) > 0 || part != "" && (len(got) != 1 || !strings.Contains(got[0], part)) {
		t.Errorf("%s are %q, want one with %q", what, got, part)
	}
}

func TestGoodConfigurationsAreCachedLonger(t *testing.T) {
	for name, test := range map[string]struct {
		checks string
		after  time.Duration
	}{
		"good":      {aggregatorChecks + proxyCertificateStatus, time.Minute},
		"bad":       {aggregatorChecks, RetryAfter},
		"not known": {"ok", RetryAfter},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLayerTest(t)
			l.checks = test.checks
			l.configuration(t)
			l.clock.Step(test.after - time.Second)
			if l.configuration(t); l.requests != 1 {
				t.Errorf("checked again within %s", test.after)
			}
			l.clock.Step(time.Second)
			if l.configuration(t); l.requests != 2 {
				t.Errorf("not checked again after %s", test.after)
			}
		})
	}
}

func TestUnknownConfigurationsAreLoggedOnce(t *testing.T) {
	l := newLayerTest(t)
	l.err = errors.New("forbidden")
	for range 3 {
		l.configuration(t)
		l.clock.Step(time.Minute)
	}
	if got := l.logged.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "forbidden") {
		t.Errorf("logged %q", got)
	}
}
