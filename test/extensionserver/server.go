// SPDX-License-Identifier: Apache-2.0

// Package extensionserver is the smallest extension API server there is, for tests: it answers discovery of its
// group-versions, as well or as badly as it is told while it runs, and its readiness probes see nothing of that.
package extensionserver

import (
	"net/http"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Server answers the requests of an extension API server. It has one resource, of which there are no objects.
type Server struct {
	http.Handler
	groupVersions []schema.GroupVersion

	mu        sync.Mutex
	behaviour Behaviour
	// requests counts those since the behaviour was changed.
	requests map[request]int
}

// request is what is counted together. The user that kube-apiserver speaks for keeps its own checks apart, which it
// makes over the same connection, five at a time.
type request struct {
	sender                 Sender
	user, connection, path string
}

// New returns a good server of the group-versions.
func New(groupVersions ...schema.GroupVersion) *Server {
	s := &Server{groupVersions: groupVersions}
	s.Behave(Behaviour{})
	s.Handler = s.routes()
	return s
}

// Behave has the server answer in another way from now on.
func (s *Server) Behave(behaviour Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behaviour, s.requests = behaviour, map[request]int{}
}

// Behaviour is how the server answers now.
func (s *Server) Behaviour() Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behaviour
}

// Requests is how many requests each sender has sent since the behaviour was changed, by path. Health is not counted.
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
	objects := func(Behaviour) Fault { return Fault{} }

	mux := http.NewServeMux()
	for _, health := range []string{"GET /healthz", "GET /livez", "GET /readyz"} {
		mux.HandleFunc(health, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	}
	mux.HandleFunc("GET /apis", s.page(apis, s.groupList))
	mux.HandleFunc("GET /apis/{group}/{version}", s.page(discovery, s.resourceList))
	mux.HandleFunc("GET /apis/{group}/{version}/"+resource, s.page(objects, s.noObjects))
	mux.HandleFunc("GET /apis/{group}/{version}/namespaces/{namespace}/"+resource, s.page(objects, s.noObjects))
	mux.HandleFunc("GET /openapi/v3", s.page(openAPI, s.openAPIIndex))
	mux.HandleFunc("GET /openapi/v3/apis/{group}/{version}", s.page(openAPI, s.openAPI))
	return mux
}

// page answers with a document, if there is one, or as the server behaves.
func (s *Server) page(
	fault func(Behaviour) Fault, document func(*http.Request, Behaviour) any,
) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.Behaviour().Certificate != "" {
			// Whoever came before the certificate was another one must see it, too.
			w.Header().Set("Connection", "close")
		}
		behaviour := s.behaviourFor(r)
		found := document(r, behaviour)
		if found == nil {
			http.NotFound(w, r)
			return
		}
		fault(behaviour).answer(w, r, found)
	}
}

// behaviourFor counts the request, and returns the zero value when nothing is to go wrong with it.
func (s *Server) behaviourFor(r *http.Request) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := request{senderOf(r), r.Header.Get("X-Remote-User"), r.RemoteAddr, r.URL.Path}
	s.requests[request]++
	if s.behaviour.For != "" && s.behaviour.For != request.sender ||
		s.behaviour.EveryOther && s.requests[request]%2 == 0 {
		return Behaviour{}
	}
	return s.behaviour
}
