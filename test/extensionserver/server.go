// SPDX-License-Identifier: Apache-2.0

// Package extensionserver is the smallest extension API server there is, for tests: it answers discovery of its
// group-versions on loopback, as well or as badly as it is told while it runs.
package extensionserver

import (
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Behaviour says how discovery is answered; the zero value is a good answer at once.
type Behaviour struct {
	// Delay before the answer.
	Delay time.Duration
	// Status of the answer, 0 for 200 OK. Any other comes without discovery, and redirections lead to a path that is 404.
	Status int
	// GroupVersion that the answer is for; empty for the one that was asked for.
	GroupVersion string
	// List is the status of GET /apis, from which kube-apiserver aggregates; 0 for 404, which has it ask for each
	// group-version instead.
	List int
}

// Server serves group-versions without resources.
type Server struct {
	http          *httptest.Server
	groupVersions map[schema.GroupVersion]bool
	certificate   atomic.Pointer[tls.Certificate]
	behaviour     atomic.Pointer[Behaviour]
}

// Start returns a server of the group-versions that listens on a free port of 127.0.0.1 until it is closed.
func Start(certificate tls.Certificate, groupVersions ...schema.GroupVersion) *Server {
	s := &Server{groupVersions: map[schema.GroupVersion]bool{}}
	for _, groupVersion := range groupVersions {
		s.groupVersions[groupVersion] = true
	}
	s.Present(certificate)
	s.Behave(Behaviour{})
	s.http = httptest.NewUnstartedServer(s)
	s.http.EnableHTTP2 = true
	// Clients that do not trust the certificate are no news.
	s.http.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.http.TLS = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.certificate.Load(), nil },
	}
	s.http.StartTLS()
	return s
}

// Port on which the server listens.
func (s *Server) Port() int32 {
	address, _ := s.http.Listener.Addr().(*net.TCPAddr)
	return int32(address.Port) //nolint:gosec // G115: a port fits
}

// Present has the server show another certificate to those who connect from now on.
func (s *Server) Present(certificate tls.Certificate) { s.certificate.Store(&certificate) }

// Behave has the server answer in another way from now on.
func (s *Server) Behave(behaviour Behaviour) { s.behaviour.Store(&behaviour) }

// Close ends the server and all its connections.
func (s *Server) Close() {
	s.http.CloseClientConnections()
	s.http.Close()
}

// ServeHTTP answers GET /apis/GROUP/VERSION, and 404 to everything else, unless it is told another status for /apis.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if list := s.behaviour.Load().List; list != 0 && r.URL.Path == "/apis" {
		w.WriteHeader(list)
		return
	}
	asked, err := schema.ParseGroupVersion(strings.TrimPrefix(r.URL.Path, "/apis/"))
	if err != nil || !s.groupVersions[asked] {
		http.NotFound(w, r)
		return
	}
	behaviour := *s.behaviour.Load()
	if !pause(r, behaviour.Delay) {
		return
	}
	switch status := behaviour.Status; {
	case status == 0, status == http.StatusOK:
		answerWith(w, asked, behaviour.GroupVersion)
	case status >= 300 && status < 400:
		http.Redirect(w, r, "/elsewhere", status)
	default:
		w.WriteHeader(status)
	}
}

// pause tells whether the client is still there after the delay.
func pause(r *http.Request, delay time.Duration) bool {
	select {
	case <-r.Context().Done():
		return false
	case <-time.After(delay):
		return true
	}
}

func answerWith(w http.ResponseWriter, asked schema.GroupVersion, groupVersion string) {
	if groupVersion == "" {
		groupVersion = asked.String()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: groupVersion,
		APIResources: []metav1.APIResource{},
	})
}
