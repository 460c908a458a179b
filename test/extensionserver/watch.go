// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// maxWatch is the duration of a watch whose client limits it to none.
const maxWatch = 10 * time.Minute

// watch sends the initial events, if they are requested, and nothing more: objects never change. It ends when the
// behaviour does.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, behaviour Behaviour, resource Resource) {
	changed := s.whenChanged()
	sendInitialEvents := r.URL.Query().Get("sendInitialEvents") == "true"
	switch {
	case behaviour.Watch != Fault{}:
		behaviour.Watch.answer(w, r, map[string]string{})
		return
	case sendInitialEvents && behaviour.InitialEvents == Refused:
		refuse(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if sendInitialEvents || startsWithState(r) {
		for _, object := range selected(r, behaviour) {
			sendEvent(w, watch.Added, document(r, resource, object))
		}
	}
	if sendInitialEvents && behaviour.InitialEvents != WithoutBookmark {
		sendEvent(w, watch.Bookmark, bookmark(r, resource))
	}
	_ = http.NewResponseController(w).Flush()
	hold(r, changed)
}

// hold keeps a watch open until it ends.
func hold(r *http.Request, changed <-chan struct{}) {
	select {
	case <-changed:
	case <-r.Context().Done():
	case <-time.After(timeoutOf(r)):
	}
}

func (s *Server) whenChanged() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// startsWithState reports whether a watch without sendInitialEvents begins with the existing objects.
func startsWithState(r *http.Request) bool {
	from := r.URL.Query().Get("resourceVersion")
	return from == "" || from == "0"
}

func timeoutOf(r *http.Request) time.Duration {
	if seconds, err := strconv.Atoi(r.URL.Query().Get("timeoutSeconds")); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return maxWatch
}

func sendEvent(w http.ResponseWriter, event watch.EventType, object any) {
	encode(w, map[string]any{"type": event, "object": object})
}

// bookmark is the object of the event that ends the initial ones.
func bookmark(r *http.Request, resource Resource) any {
	groupVersion, kind := typeOf(r, resource)
	return map[string]any{"kind": kind, "apiVersion": groupVersion, "metadata": map[string]any{
		"resourceVersion":   resourceVersion,
		"creationTimestamp": nil,
		"annotations":       map[string]string{metav1.InitialEventsAnnotationKey: "true"},
	}}
}

// refuse responds as k8s.io/apiserver does without support for initial events.
func refuse(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid,
		Message: "ListOptions is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch",
	})
}
