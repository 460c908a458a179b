// SPDX-License-Identifier: Apache-2.0

// Package extensionserver is a minimal extension API server for tests. It serves discovery of its group-versions, with
// faults that can be configured at runtime. The faults do not affect its health checks, unless FailedChecks says so.
package extensionserver

import (
	"fmt"
	"net/http"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Server serves the endpoints of an extension API server. By default it has one resource without objects.
type Server struct {
	http.Handler
	groupVersions []schema.GroupVersion

	mu        sync.Mutex
	behaviour Behaviour
	// requests counts the requests since the behaviour was last changed.
	requests map[request]int
	// changed is closed when the behaviour or the objects change, which ends watches.
	changed chan struct{}
}

// request is the key by which requests are counted. The user separates clients' requests from kube-apiserver's own
// checks, which it sends over the same connection, five at a time.
type request struct {
	sender           Sender
	user, connection string
	// path is followed by ?watch for a watch, and preceded by the method if that is not GET.
	path string
}

// New returns a healthy server of the group-versions.
func New(groupVersions ...schema.GroupVersion) *Server {
	s := &Server{groupVersions: groupVersions, changed: make(chan struct{})}
	s.Behave(Behaviour{})
	s.Handler = s.routes()
	return s
}

// Behave replaces the behaviour of the server, resets the request counts and ends all watches.
func (s *Server) Behave(behaviour Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour, s.requests = behaviour, map[request]int{}
	s.endWatches()
}

// endWatches is called with mu locked.
func (s *Server) endWatches() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Behaviour returns the current behaviour of the server.
func (s *Server) Behaviour() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// Requests returns the number of requests by sender and path since the behaviour was last changed. Health probes are
// not counted.
func (s *Server) Requests() map[Sender]map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[Sender]map[string]int{KubeAPIServer: {}, Direct: {}, Anonymous: {}}
	for request, count := range s.requests {
		counts[request.sender][request.path] += count
	}
	return counts
}

func (s *Server) routes() *http.ServeMux {
	discovery := func(b Behaviour) Fault { return b.Discovery }
	apis := func(b Behaviour) Fault { return b.APIs }
	openAPI := func(b Behaviour) Fault { return b.OpenAPI }
	openAPIV2 := func(b Behaviour) Fault { return b.OpenAPIV2 }
	deletion := func(b Behaviour) Fault { return b.DeleteCollection }

	mux := http.NewServeMux()
	for _, health := range []string{"GET /healthz", "GET /livez"} {
		mux.HandleFunc(health, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	}
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /apis", s.page(apis, s.groupList))
	mux.HandleFunc("GET /apis/{group}/{version}", s.page(discovery, s.resourceList))
	for _, collection := range []string{
		"/apis/{group}/{version}/{resource}", "/apis/{group}/{version}/namespaces/{namespace}/{resource}",
	} {
		mux.HandleFunc("GET "+collection, s.listOrWatch)
		mux.HandleFunc("DELETE "+collection, s.page(deletion, s.deleteObjects))
	}
	mux.HandleFunc("DELETE /apis/{group}/{version}/namespaces/{namespace}/{resource}/{name}",
		s.page(func(Behaviour) Fault { return Fault{} }, s.deleteObjects))
	mux.HandleFunc("GET /openapi/v2", s.page(openAPIV2, s.swagger))
	mux.HandleFunc("GET /openapi/v3", s.page(openAPI, s.openAPIIndex))
	mux.HandleFunc("GET /openapi/v3/apis/{group}/{version}", s.page(openAPI, s.openAPI))
	return mux
}

// ready responds as k8s.io/apiserver does (pkg/server/healthz).
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	failed := s.Behaviour().FailedChecks
	if len(failed) > 0 {
		w.WriteHeader(http.StatusInternalServerError)
		for _, check := range failed {
			_, _ = fmt.Fprintf(w, "[-]%s failed: reason withheld\n", check)
		}
		_, _ = w.Write([]byte("readyz check failed\n"))
		return
	}
	if r.URL.Query().Has("verbose") {
		_, _ = w.Write([]byte("[+]etcd ok\n"))
	}
	_, _ = w.Write([]byte("ok"))
}

// page returns a handler that responds with a document, or with 404 if there is none, with the fault of the behaviour.
func (s *Server) page(
	fault func(Behaviour) Fault, document func(*http.Request, Behaviour) any,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		behaviour := s.behaviourFor(w, r)
		found := document(r, behaviour)
		if found == nil {
			http.NotFound(w, r)
			return
		}
		fault(behaviour).answer(w, r, found)
	}
}

// behaviourFor counts the request, and returns a behaviour without faults when none applies to it.
func (s *Server) behaviourFor(w http.ResponseWriter, r *http.Request) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.behaviour.Certificate != "" {
		// Clients that connected before the certificate changed must reconnect to see it.
		w.Header().Set("Connection", "close")
	}
	request := request{senderOf(r), r.Header.Get("X-Remote-User"), r.RemoteAddr, countedAs(r)}
	s.requests[request]++
	if s.behaviour.For != "" && s.behaviour.For != request.sender ||
		s.behaviour.EveryOther && s.requests[request]%2 == 0 {
		return s.behaviour.withoutFaults()
	}
	return s.behaviour
}

func countedAs(r *http.Request) string {
	switch {
	case r.Method != http.MethodGet:
		return r.Method + " " + r.URL.Path
	case isWatch(r):
		return r.URL.Path + "?watch"
	default:
		return r.URL.Path
	}
}
