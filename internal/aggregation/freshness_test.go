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

// looking is a Freshness on one kube-apiserver.
type looking struct {
	*Freshness
	clock *clocktesting.FakeClock
	// version is what the kube-apiserver says of the group-version, code what it answers.
	version string
	code    int
	// sent counts the documents that it had to send, told and logged are what came of the looks.
	sent   int
	told   []schema.GroupVersion
	logged bytes.Buffer
}

func newLooking(t *testing.T) *looking {
	t.Helper()
	l := &looking{clock: clocktesting.NewFakeClock(time.Now()), version: goodVersion, code: http.StatusOK}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis" || r.Header.Get("Accept") != acceptAggregated {
			t.Errorf("asked for %s as %q", r.URL.Path, r.Header.Get("Accept"))
		}
		l.answer(w, r)
	}))
	t.Cleanup(server.Close)
	l.Freshness = NewFreshness(nil, l.clock, func(of schema.GroupVersion) { l.told = append(l.told, of) })
	l.clients = func(context.Context) (map[string]*http.Client, error) {
		return map[string]*http.Client{strings.TrimPrefix(server.URL, "https://"): server.Client()}, nil
	}
	return l
}

// answer sends the document, unless the client has it.
func (l *looking) answer(w http.ResponseWriter, r *http.Request) {
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

// logging has what is logged in l.logged, a line each.
func (l *looking) logging(ctx context.Context) context.Context {
	return ctrl.LoggerInto(ctx, zap.New(zap.WriteTo(&l.logged)))
}

// lookTimes looks several times and returns the reports that there are then.
func (l *looking) lookTimes(t *testing.T, times int) []Report {
	t.Helper()
	for range times {
		l.look(l.logging(t.Context()))
		l.clock.Step(freshnessInterval)
	}
	reports, _ := l.Of(groupVersion)
	return reports
}

func TestWhatHasNotChangedIsNotSentAgainButCounts(t *testing.T) {
	l := newLooking(t)
	got := l.lookTimes(t, settledAfter)
	if len(got) != 1 || !got[0].Settled || !slices.Equal(l.told, []schema.GroupVersion{groupVersion}) {
		t.Errorf("got %+v and told %v of a group-version that was good at each look", got, l.told)
	}
	if l.sent != 1 {
		t.Errorf("the document was sent %d times", l.sent)
	}
	l.version = staleVersion
	if got := l.lookTimes(t, settledAfter); !got[0].Stale || !got[0].Empty || l.sent != 2 || len(l.told) != 2 {
		t.Errorf("got %+v and told %v of a change, which was sent %d times", got, l.told, l.sent-1)
	}
}

func TestWithoutAnAnswerTheLastOneCountsForFiveMinutes(t *testing.T) {
	nobody := func(context.Context) (map[string]*http.Client, error) { return nil, nil }
	unlisted := func(context.Context) (map[string]*http.Client, error) { return nil, errors.New("forbidden") }
	tests := map[string]func(*looking){
		"it fails":            func(l *looking) { l.code = http.StatusInternalServerError },
		"it is not ready":     func(l *looking) { l.clients = nobody },
		"no list of them all": func(l *looking) { l.clients = unlisted },
	}
	for name, breakIt := range tests {
		t.Run(name, func(t *testing.T) {
			l := newLooking(t)
			l.version = staleVersion
			l.lookTimes(t, settledAfter)
			breakIt(l)
			if got := l.lookTimes(t, 9); len(got) != 1 || !got[0].Stale || len(l.told) != 1 {
				t.Errorf("after less than five minutes got %+v and told %v", got, l.told)
			}
			if got := l.lookTimes(t, 1); len(got) != 0 || len(l.told) != 2 {
				t.Errorf("after five minutes got %+v and told %v", got, l.told)
			}
		})
	}
}

func TestAFailureIsLoggedWhenItIsNew(t *testing.T) {
	l := newLooking(t)
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
		l.lookTimes(t, 3)
		got := l.logged.String()
		if strings.Count(got, "\n") != step.lines || strings.Count(got, http.StatusText(step.code)) != step.lines {
			t.Errorf("of three answers %d it logged %q, want %d lines", step.code, got, step.lines)
		}
	}
}

func TestTheEndOfTheOperatorIsNoFailure(t *testing.T) {
	l := newLooking(t)
	ctx, cancel := context.WithCancel(l.logging(t.Context()))
	cancel()
	if err := l.Start(ctx); err != nil || l.logged.Len() != 0 {
		t.Errorf("got %v and logged %s", err, &l.logged)
	}
}
