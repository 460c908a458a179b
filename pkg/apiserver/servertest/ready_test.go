// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheWaitEndsWithTheChecksOfAServerThatEnded(t *testing.T) {
	stopped := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		defer close(stopped)
		http.Error(w, "[-]informer-sync failed", http.StatusInternalServerError)
	}))
	defer server.Close()
	err := pollReady(t.Context(), server.Client(), server.URL, stopped)
	if !errors.Is(err, errStopped) || !strings.Contains(err.Error(), "[-]informer-sync failed") {
		t.Errorf("the error is %v", err)
	}
}

func TestTheWaitEndsWhenTheServerIsReady(t *testing.T) {
	codes := []int{http.StatusInternalServerError, http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("the request is for %s", r.URL)
		}
		w.WriteHeader(codes[0])
		codes = codes[1:]
	}))
	defer server.Close()
	if err := pollReady(t.Context(), server.Client(), server.URL, nil); err != nil || len(codes) != 0 {
		t.Errorf("%d answers are left: %v", len(codes), err)
	}
}
