// SPDX-License-Identifier: Apache-2.0

package extensionserver

import "net/http"

// Control returns a handler to read and replace the behaviour at runtime, at /behaviour, and to read request counts, at
// /requests.
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /behaviour", func(w http.ResponseWriter, _ *http.Request) { write(w, s.Behaviour()) })
	mux.HandleFunc("PUT /behaviour", s.putBehaviour)
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) { write(w, s.Requests()) })
	return mux
}

func (s *Server) putBehaviour(w http.ResponseWriter, r *http.Request) {
	behaviour, err := ParseBehaviour(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.Behave(behaviour)
	write(w, behaviour)
}

func write(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	encode(w, document)
}
