// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
	"github.com/extensionapi/extensionapi-operator/test/memory"
)

const flunders = `{"groupVersion":"wardle.example.com/v1","resources":[{"name":"flunders","verbs":["list"]}]}`

// counted counts objects at a kube-apiserver that proxies the server's responses to discovery and lists.
func counted(t *testing.T, discovery, list http.HandlerFunc, timeout time.Duration) []Objects {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/wardle.example.com/v1", discovery)
	mux.HandleFunc("GET /apis/wardle.example.com/v1/flunders", list)
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	defer server.CloseClientConnections()
	servers, _ := listing(configOf(server), endpointReader{})
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	mayList := func(schema.GroupVersionResource) error { return nil }
	return servers.CountObjects(ctx, []schema.GroupVersion{groupVersion}, nil, mayList)
}

func sending(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func TestCountObjects(t *testing.T) {
	named := func(name string) string { return strings.ReplaceAll(flunders, "flunders", name) }
	for name, test := range map[string]struct{ discovery, list, want string }{
		"one of many": {
			flunders, `{"metadata":{"remainingItemCount":2},"items":[{}]}`, "3 flunders.wardle.example.com: <nil>",
		},
		"a server without support for limit": {
			flunders, `{"items":[` + strings.Repeat("{},", 99_999) + `{}]}`, "100000 flunders.wardle.example.com: <nil>",
		},
		"a list that is cut off": {
			flunders, `{"items":[{},{},{`,
			"2 flunders.wardle.example.com: answered with no valid list of objects: it ends too early",
		},
		"nothing to be listed": {`{"resources":[{"name":"flunders","verbs":["create"]}]}`, "", ""},
		"a subresource":        {named("flunders/status"), "", ""},
		"another path":         {named(".."), "", `0 *.wardle.example.com: there is a resource named ".."`},
		"another query": {
			named("flunders?watch=1&x="), "", `0 *.wardle.example.com: there is a resource named "flunders?watch=1&x="`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, objects := range counted(t, sending(test.discovery), sending(test.list), time.Minute) {
				got = append(got, fmt.Sprintf("%d %s: %v", objects.Count, objects.Resource, objects.Err))
			}
			if strings.Join(got, "; ") != test.want {
				t.Errorf("counted %q, want %q", got, test.want)
			}
		})
	}
}

func TestCountedResourcesAreBounded(t *testing.T) {
	resources := strings.Repeat(`{"name":"flunders","verbs":["list"]},`, limits.CountedResources)
	discovery := `{"resources":[` + resources + `{"name":"fischers","verbs":["list"]}]}`
	got := counted(t, sending(discovery), sending(`{}`), time.Minute)
	if len(got) != 2 || got[0].Err == nil || got[0].Resource.Resource != "*" || got[1].Resource.Resource != "flunders" {
		t.Errorf("counted %+v", got)
	}
}

// Objects are counted before a deletion: no response may block that, or crash the operator.
func TestHostileResponsesDoNotBlockTheCount(t *testing.T) {
	for _, trick := range []extensionserver.Body{
		extensionserver.GzipBomb, extensionserver.TinyElements, extensionserver.Flood, extensionserver.Drip,
		extensionserver.Headers, extensionserver.Nesting, extensionserver.LongString, extensionserver.RedirectLoop,
	} {
		server := extensionserver.New(groupVersion)
		server.Behave(extensionserver.Behaviour{Discovery: extensionserver.Fault{Body: trick}})
		hostile := func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/apis/wardle.example.com/v1"
			server.ServeHTTP(w, r)
		}
		for path, handlers := range map[string][2]http.HandlerFunc{
			"discovery": {hostile, sending(`{}`)}, "list": {sending(flunders), hostile},
		} {
			t.Run(string(trick)+" of "+path, func(t *testing.T) {
				var got []Objects
				growth := memory.Growth(t, func() { got = counted(t, handlers[0], handlers[1], timeoutFor(trick)) })
				if len(got) > 1 || growth > maxMemory {
					t.Errorf("counted %+v, which took %d MiB of memory", got, growth>>20)
				}
			})
		}
	}
}

// maxMemory is far more than a count takes, including the memory of the server in the same process.
const maxMemory = 96 << 20

// timeoutFor returns a short timeout only if nothing else ends the count.
func timeoutFor(trick extensionserver.Body) time.Duration {
	if trick == extensionserver.Drip {
		return time.Second
	}
	return time.Minute
}
