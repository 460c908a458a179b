// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

const (
	goodVersion  = `{"version":"v1","freshness":"Current","resources":[{"resource":"flunders"}]}`
	staleVersion = `{"version":"v1","freshness":"Stale"}`
)

// freshnessTest is a Freshness with one kube-apiserver.
type freshnessTest struct {
	*Freshness
	clock *clocktesting.FakeClock
	// version is the kube-apiserver's entry for the group-version, code its HTTP status.
	version string
	code    int
	// sent counts the documents that were sent; notified and logged are the results of the polls.
	sent     int
	notified []schema.GroupVersion
	logged   bytes.Buffer
}

func newFreshnessTest(t *testing.T) *freshnessTest {
	t.Helper()
	l := &freshnessTest{clock: clocktesting.NewFakeClock(time.Now()), version: goodVersion, code: http.StatusOK}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis" || r.Header.Get("Accept") != acceptAggregated {
			t.Errorf("requested %s as %q", r.URL.Path, r.Header.Get("Accept"))
		}
		l.answer(w, r)
	}))
	t.Cleanup(server.Close)
	l.Freshness = NewFreshness(nil, l.clock, func(of schema.GroupVersion) { l.notified = append(l.notified, of) })
	l.clients = func(context.Context) (map[string]*http.Client, error) {
		return map[string]*http.Client{strings.TrimPrefix(server.URL, "https://"): server.Client()}, nil
	}
	return l
}

// answer sends the document, unless the client has it.
func (l *freshnessTest) answer(w http.ResponseWriter, r *http.Request) {
	etag := strconv.Quote(strconv.Itoa(len(l.version)))
	w.Header().Set("ETag", etag)
	switch {
	case l.code != http.StatusOK:
		w.WriteHeader(l.code)
	case r.Header.Get("If-None-Match") == etag:
		w.WriteHeader(http.StatusNotModified)
	default:
		l.sent++
		_, _ = w.Write([]byte(`{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"wardle.example.com"},` +
			`"versions":[` + l.version + `]}]}`))
	}
}

// logging writes log entries to l.logged, one per line.
func (l *freshnessTest) logging(ctx context.Context) context.Context {
	return ctrl.LoggerInto(ctx, zap.New(zap.WriteTo(&l.logged)))
}

// pollTimes polls several times and returns the resulting reports.
func (l *freshnessTest) pollTimes(t *testing.T, times int) []Report {
	t.Helper()
	for range times {
		l.poll(l.logging(t.Context()))
		l.clock.Step(freshnessInterval)
	}
	reports, _ := l.Of(groupVersion)
	return reports
}

func TestUnchangedDocumentsAreNotSentAgainButCounted(t *testing.T) {
	l := newFreshnessTest(t)
	got := l.pollTimes(t, settledAfter)
	if len(got) != 1 || !got[0].Settled || !slices.Equal(l.notified, []schema.GroupVersion{groupVersion}) {
		t.Errorf("got %+v and notified %v for a group-version that was good at each poll", got, l.notified)
	}
	if l.sent != 1 {
		t.Errorf("the document was sent %d times", l.sent)
	}
	l.version = staleVersion
	if got := l.pollTimes(t, settledAfter); !got[0].Stale || !got[0].Empty || l.sent != 2 || len(l.notified) != 2 {
		t.Errorf("got %+v and notified %v of a change, which was sent %d times", got, l.notified, l.sent-1)
	}
}

func TestLastResponseIsKeptForFiveMinutes(t *testing.T) {
	noServers := func(context.Context) (map[string]*http.Client, error) { return nil, nil }
	unlisted := func(context.Context) (map[string]*http.Client, error) { return nil, errors.New("forbidden") }
	tests := map[string]func(*freshnessTest){
		"it fails":        func(l *freshnessTest) { l.code = http.StatusInternalServerError },
		"it is not ready": func(l *freshnessTest) { l.clients = noServers },
		"the list fails":  func(l *freshnessTest) { l.clients = unlisted },
	}
	for name, breakIt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newFreshnessTest(t)
			l.version = staleVersion
			l.pollTimes(t, settledAfter)
			breakIt(l)
			if got := l.pollTimes(t, 9); len(got) != 1 || !got[0].Stale || len(l.notified) != 1 {
				t.Errorf("after less than five minutes got %+v and notified %v", got, l.notified)
			}
			if got := l.pollTimes(t, 1); len(got) != 0 || len(l.notified) != 2 {
				t.Errorf("after five minutes got %+v and notified %v", got, l.notified)
			}
		})
	}
}

func TestOnlyNewFailuresAreLogged(t *testing.T) {
	l := newFreshnessTest(t)
	for _, step := range []struct {
		code, lines int
	}{
		{http.StatusOK, 0},
		{http.StatusNotAcceptable, 1},
		{http.StatusNotFound, 1},
		{http.StatusOK, 0},
		{http.StatusNotFound, 1},
	} {
		l.code = step.code
		l.logged.Reset()
		l.pollTimes(t, 3)
		got := l.logged.String()
		if strings.Count(got, "\n") != step.lines || strings.Count(got, http.StatusText(step.code)) != step.lines {
			t.Errorf("for three answers %d it logged %q, want %d lines", step.code, got, step.lines)
		}
	}
}

func TestShutdownIsNotLoggedAsAFailure(t *testing.T) {
	l := newFreshnessTest(t)
	ctx, cancel := context.WithCancel(l.logging(t.Context()))
	cancel()
	if err := l.Start(ctx); err != nil || l.logged.Len() != 0 {
		t.Errorf("got %v and logged %s", err, &l.logged)
	}
}
