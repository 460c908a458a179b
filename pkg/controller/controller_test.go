// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

var gears = []schema.GroupVersion{{Group: "gears.example.com", Version: "v1"}}

// serveGears serves the discovery of gears.
func serveGears(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/apis/gears.example.com/v1" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprint(w, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"gears.example.com/v1",`+
		`"resources":[{"name":"sprockets","kind":"Sprocket","verbs":["list"]}]}`)
}

func TestControllersWaitUntilTheirAPIIsServed(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			http.NotFound(w, r)
			return
		}
		serveGears(w, r)
	}))
	defer server.Close()
	if err := waitForDiscovery(t.Context(), &rest.Config{Host: server.URL}, gears); err != nil {
		t.Error(err)
	}
	if requests.Load() != 2 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestControllersThatWaitEndWithTheirContext(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err := waitForDiscovery(ctx, &rest.Config{Host: server.URL}, gears)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}
