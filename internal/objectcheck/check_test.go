// SPDX-License-Identifier: Apache-2.0

package objectcheck

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

var v1 = schema.GroupVersion{Group: "example.com", Version: "v1"}

// server is checked without a kube-apiserver in front of it.
type server struct {
	*extensionserver.Server
	clock *clocktesting.FakeClock
	// headers are of all requests.
	headers []http.Header
	denied  string
}

// checked checks a server with the behaviour once.
func checked(t *testing.T, behaviour extensionserver.Behaviour, denied string) (objects.Result, *server) {
	t.Helper()
	s := &server{Server: extensionserver.New(v1), clock: clocktesting.NewFakeClock(time.Now()), denied: denied}
	s.Behave(behaviour)
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.headers = append(s.headers, r.Header)
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	address, httpClient := strings.TrimPrefix(front.URL, "https://"), front.Client()
	transport, _ := httpClient.Transport.(*http.Transport)
	limits.Bound(transport)
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	checker := &Checker{
		KubeAPIServers: func(context.Context) (map[string]*http.Client, error) {
			return map[string]*http.Client{address: httpClient}, nil
		},
		Permitted: func(_ context.Context, verb string, resource schema.GroupVersionResource) (bool, error) {
			return verb+" "+resource.Resource != s.denied, nil
		},
		Document: func(ctx context.Context, _ discovery.Target, address, path string, header http.Header,
			read func(*http.Response) error,
		) error {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, http.NoBody)
			if err != nil {
				return err
			}
			request.Header = header
			response, err := httpClient.Do(request)
			if err != nil {
				return err
			}
			return errors.Join(read(response), response.Body.Close())
		},
		Clock: s.clock, UserAgent: UserAgent, Patience: Background(),
	}
	ended := make(chan objects.Result)
	go func() {
		ended <- checker.Check(t.Context(), Target{GroupVersions: []schema.GroupVersion{v1}, Replica: address})
	}()
	return s.waitFor(ended), s
}

// waitFor lets the time pass that a check waits for, once its watches have been opened or refused.
func (s *server) waitFor(ended <-chan objects.Result) objects.Result {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case result := <-ended:
			return result
		case <-tick.C:
			requested := s.Requests()[extensionserver.Anonymous]
			isOpen := requested["/apis/example.com/v1/gadgets?watch"] > 0
			if behaviour := s.Behaviour(); s.clock.HasWaiters() &&
				(behaviour.InitialEvents != extensionserver.WithoutBookmark || isOpen) {
				s.clock.Step(Background().Pause)
			}
		}
	}
}

// deletable has a resource that Kubernetes' controllers act on.
func deletable(change func(*extensionserver.Behaviour)) extensionserver.Behaviour {
	behaviour := extensionserver.Behaviour{
		Resources: []extensionserver.Resource{extensionserver.DeletableResource},
		Objects:   []extensionserver.Object{{Namespace: "a", Name: "b"}},
	}
	if change != nil {
		change(&behaviour)
	}
	return behaviour
}

func TestProblemsOfAServerAreFound(t *testing.T) {
	const gadgets = "gadgets.v1.example.com"
	type behaviour = extensionserver.Behaviour
	for name, test := range map[string]struct {
		change   func(*behaviour)
		reason   string
		subject  string
		says     string
		affected objects.Affected
	}{
		"none": {},
		"LIST answers 500": {
			func(b *behaviour) { b.List.Status = http.StatusInternalServerError },
			v1alpha1.ReasonListFails, gadgets, "LIST answered 500 Internal Server Error", objects.Namespaces,
		},
		"LIST answers 403": {
			func(b *behaviour) { b.List.Status = http.StatusForbidden },
			v1alpha1.ReasonListFails, gadgets, "LIST answered 403 Forbidden", objects.Namespaces,
		},
		"LIST answers 405": {
			func(b *behaviour) { b.List.Status = http.StatusMethodNotAllowed },
			v1alpha1.ReasonListFails, gadgets, "LIST answered 405 Method Not Allowed", objects.Leftovers,
		},
		"LIST answers 503 twice": {
			func(b *behaviour) { b.List.Status = http.StatusServiceUnavailable },
			v1alpha1.ReasonListFails, gadgets, "LIST answered 503 Service Unavailable", objects.Namespaces,
		},
		"LIST answers a page": {
			func(b *behaviour) { b.List.Body = extensionserver.Malformed },
			v1alpha1.ReasonListFails, gadgets, "no valid list of objects", objects.Namespaces,
		},
		"LIST answers another document": {
			func(b *behaviour) { b.List.Body = extensionserver.OtherDocument },
			v1alpha1.ReasonListFails, gadgets, `a document of kind "Unrelated"`, objects.Namespaces,
		},
		"LIST redirects": {
			func(b *behaviour) { b.List.Status = http.StatusFound },
			v1alpha1.ReasonListFails, gadgets, "LIST answered", objects.Namespaces,
		},
		"protobuf is refused": {
			func(b *behaviour) { b.RefusesProtobuf = true },
			v1alpha1.ReasonListFails, gadgets, "LIST answered 406 Not Acceptable", objects.Namespaces,
		},
		"LIST fails of what cannot be deleted": {
			func(b *behaviour) {
				b.Resources, b.List.Status = []extensionserver.Resource{extensionserver.WatchedResource}, 500
			},
			v1alpha1.ReasonListFails, "readings.v1.example.com", "LIST answered 500", objects.Clients,
		},
		"WATCH sends no bookmark": {
			func(b *behaviour) { b.InitialEvents = extensionserver.WithoutBookmark },
			v1alpha1.ReasonWatchWithoutBookmark, gadgets, "within 10s it sent no bookmark", objects.Quotas,
		},
		"WATCH refuses initial events": {change: func(b *behaviour) { b.InitialEvents = extensionserver.Refused }},
		"WATCH answers 500": {
			func(b *behaviour) { b.Watch.Status = http.StatusInternalServerError },
			v1alpha1.ReasonWatchFails, gadgets, "WATCH answered 500", objects.Quotas,
		},
		"WATCH answers no events": {
			func(b *behaviour) { b.Watch.Body = extensionserver.OtherDocument },
			v1alpha1.ReasonWatchFails, gadgets, "no valid stream of events", objects.Quotas,
		},
		"GET /apis lists fewer resources": {
			func(b *behaviour) { b.LeftOutResources = []string{"gadgets"} },
			v1alpha1.ReasonDiscoveryDiffers, "v1.example.com", "gadgets is missing in GET /apis", objects.Leftovers,
		},
		"OpenAPI v2 is missing": {
			func(b *behaviour) { b.OpenAPIV2.Status = http.StatusNotFound },
			v1alpha1.ReasonOpenAPIV2Missing, "GET /openapi/v2", "although there is GET /openapi/v3", objects.Schema,
		},
		"OpenAPI v2 is no OpenAPI": {
			func(b *behaviour) { b.OpenAPIV2.Body = extensionserver.Malformed },
			v1alpha1.ReasonOpenAPIBroken, "GET /openapi/v2", "no valid OpenAPI v2", objects.Schema,
		},
		"OpenAPI v3 fails": {
			func(b *behaviour) { b.OpenAPI.Status = http.StatusInternalServerError },
			v1alpha1.ReasonOpenAPIBroken, "GET /openapi/v3", "answered 500", objects.Schema,
		},
		"OpenAPI v3 is missing, which kube-apiserver makes of v2": {
			change: func(b *behaviour) { b.OpenAPI.Status = http.StatusNotFound },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, _ := checked(t, deletable(test.change), "")
			if result.Err != nil || result.Checked != 1 {
				t.Errorf("%d resources were checked, %v", result.Checked, result.Err)
			}
			var want []objects.Problem
			if test.reason != "" {
				want = []objects.Problem{{Reason: test.reason, Subject: test.subject, Affected: test.affected}}
			}
			for i := range result.Problems {
				if !strings.Contains(result.Problems[i].Evidence, test.says) {
					t.Errorf("%q lacks %q", result.Problems[i].Evidence, test.says)
				}
				result.Problems[i].Evidence = ""
			}
			if !slices.Equal(result.Problems, want) {
				t.Errorf("got %+v, want %+v", result.Problems, want)
			}
		})
	}
}

func TestWhatIsNotPermittedIsNotRequested(t *testing.T) {
	const list, watch = "/apis/example.com/v1/gadgets", "/apis/example.com/v1/gadgets?watch"
	for denied, paths := range map[string]struct{ not, instead string }{
		"list gadgets": {list, watch}, "watch gadgets": {watch, list},
	} {
		result, s := checked(t, deletable(nil), denied)
		if len(result.Denied) != 1 || result.Denied[0].Name != "gadgets" || result.Checked != 1 || result.Err != nil {
			t.Errorf("%s: %+v", denied, result)
		}
		if requests := s.Requests()[extensionserver.Anonymous]; requests[paths.not] != 0 || requests[paths.instead] != 1 {
			t.Errorf("%s: %v", denied, requests)
		}
	}
}

func TestNothingIsRequestedWhilePermissionsAreMissing(t *testing.T) {
	gadgets := objects.Resource{GroupVersion: v1, Resource: documents.Resource{Name: "gadgets", Listable: true}}
	last := &objects.Result{Denied: []objects.Resource{gadgets}}
	for permitted, wantRequests := range map[bool]bool{false: false, true: true} {
		requested := false
		checker := &Checker{
			KubeAPIServers: func(context.Context) (map[string]*http.Client, error) {
				requested = true
				return nil, errors.New("unreachable")
			},
			Permitted: func(context.Context, string, schema.GroupVersionResource) (bool, error) { return permitted, nil },
			Clock:     clocktesting.NewFakeClock(time.Now()),
			Patience:  Background(),
		}
		result := checker.Check(t.Context(), Target{Last: last})
		if requested != wantRequests || result.LacksOnlyPermission() != !permitted {
			t.Errorf("permitted %t: requested %t, %+v", permitted, requested, result)
		}
	}
}

func TestAGroupVersionWithoutResourcesIsEmpty(t *testing.T) {
	result, _ := checked(t, extensionserver.Behaviour{Empty: []string{v1.String()}}, "")
	if !slices.Equal(result.Empty, []schema.GroupVersion{v1}) || !result.IsGood() {
		t.Errorf("got %+v", result)
	}
}

func TestDiscoveryThatFailsIsNoProblemOfObjects(t *testing.T) {
	result, _ := checked(t, extensionserver.Behaviour{Discovery: extensionserver.Fault{Status: 500}}, "")
	if len(result.Problems) != 0 || result.Err == nil {
		t.Errorf("got %+v", result)
	}
}

func TestEachRequestNamesTheCheck(t *testing.T) {
	_, s := checked(t, deletable(nil), "")
	if len(s.headers) == 0 {
		t.Error("there is no request")
	}
	for _, header := range s.headers {
		if header.Get("User-Agent") != UserAgent {
			t.Errorf("User-Agent %q", header.Get("User-Agent"))
		}
	}
}

// A server that does not know limit sends all objects, and one that does not know labelSelector watches all.
func TestHostileAnswersEndTheCheck(t *testing.T) {
	for _, body := range []extensionserver.Body{
		extensionserver.GzipBomb, extensionserver.Headers, extensionserver.Nesting, extensionserver.RedirectLoop,
	} {
		t.Run(string(body), func(t *testing.T) {
			t.Parallel()
			fault := extensionserver.Fault{Body: body}
			result, _ := checked(t, deletable(func(b *extensionserver.Behaviour) { b.List, b.OpenAPIV2 = fault, fault }), "")
			if result.IsGood() {
				t.Error("nothing is wrong")
			}
			for _, problem := range result.Problems {
				if text := fmt.Sprint(problem); len(text) > 1000 {
					t.Errorf("a problem takes %d bytes", len(text))
				}
			}
		})
	}
}
