// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

// document is the aggregated discovery of one group-version.
func document(freshness, resources string) string {
	return `{"items":[{"metadata":{"name":"wardle.example.com"},"versions":[{"version":"v1","freshness":"` + freshness +
		`","resources":[` + resources + `]}]}]}`
}

const aResource = `{"resource":"flunders"}`

// looking is a Freshness on a kube-apiserver that answers with what stands in document, unless the client has it.
type looking struct {
	*Freshness
	document string
	sent     int
	told     []schema.GroupVersion
}

func newLooking(t *testing.T) *looking {
	t.Helper()
	l := &looking{document: document("Current", aResource)}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		etag := `"` + l.document + `"`
		if !strings.Contains(r.Header.Get("Accept"), "as=APIGroupDiscoveryList") || r.URL.Path != "/apis" {
			t.Errorf("asked for %s as %s", r.URL.Path, r.Header.Get("Accept"))
		}
		w.Header().Set("ETag", strings.ReplaceAll(etag, `"`, "'"))
		if r.Header.Get("If-None-Match") == w.Header().Get("ETag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if l.document == "" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		l.sent++
		_, _ = w.Write([]byte(l.document))
	}))
	t.Cleanup(server.Close)
	l.Freshness = NewFreshness(nil, clock.RealClock{}, func(of schema.GroupVersion) { l.told = append(l.told, of) })
	l.clients = func(context.Context) (map[string]*http.Client, error) {
		return map[string]*http.Client{strings.TrimPrefix(server.URL, "https://"): server.Client()}, nil
	}
	return l
}

// look looks several times and returns what is known then.
func (l *looking) lookTimes(t *testing.T, times int) Report {
	t.Helper()
	for range times {
		l.look(t.Context())
	}
	reports := l.Of(groupVersion)
	if len(reports) != 1 {
		t.Fatalf("there are %d reports", len(reports))
	}
	return reports[0]
}

func TestADoubtCountsOnlyWhenItLasts(t *testing.T) {
	l := newLooking(t)
	if got := l.lookTimes(t, settledAfter); !got.isGood() || !got.Settled || len(l.told) != 0 {
		t.Errorf("got %+v and told %v of a good group-version", got, l.told)
	}
	l.document = document("Stale", "")
	if got := l.lookTimes(t, settledAfter-1); !got.Stale || got.Settled || len(l.told) != 1 {
		t.Errorf("got %+v and told %v", got, l.told)
	}
	if got := l.lookTimes(t, 2); !got.Stale || !got.Settled || len(l.told) != 2 {
		t.Errorf("got %+v and told %v", got, l.told)
	}
	l.document = document("Current", aResource)
	if got := l.lookTimes(t, 1); !got.isGood() || len(l.told) != 3 {
		t.Errorf("got %+v and told %v", got, l.told)
	}
}

func TestWhatHasNotChangedIsNotSentAgain(t *testing.T) {
	l := newLooking(t)
	if l.lookTimes(t, 5); l.sent != 1 {
		t.Errorf("the document was sent %d times", l.sent)
	}
}

func TestAVersionWithoutResourcesIsEmpty(t *testing.T) {
	l := newLooking(t)
	l.document = document("Current", "")
	if got := l.lookTimes(t, 1); !got.Empty || got.Stale {
		t.Errorf("got %+v", got)
	}
}

func TestAKubeAPIServerThatDoesNotAnswerSaysNothing(t *testing.T) {
	l := newLooking(t)
	l.lookTimes(t, 1)
	l.document = ""
	l.look(t.Context())
	if got := l.Of(groupVersion); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	l.clients = func(context.Context) (map[string]*http.Client, error) { return nil, nil }
	l.look(t.Context())
}
