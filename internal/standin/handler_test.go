// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

func encode(t *testing.T, documents any) []byte {
	t.Helper()
	encoded, err := Encode(documents)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// twoServers are stored: metrics is replaced, reviews is not.
func twoServers(t *testing.T) []Stored {
	t.Helper()
	return []Stored{
		{
			Name: "metrics", Version: "1",
			Discovery: encode(t, Discovery{{
				GroupVersion: "metrics.example.com/v1beta1",
				APIResources: []metav1.APIResource{
					{Name: "nodes", SingularName: "node", Kind: "NodeMetrics", Verbs: metav1.Verbs{"get", "list"}},
					{Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: metav1.Verbs{"get", "list"}},
					{Name: "pods/usage", Kind: "Usage", Namespaced: true, Verbs: metav1.Verbs{"get"}},
				},
			}}),
			OpenAPI: encode(t, OpenAPI{
				V2: json.RawMessage(
					`{"swagger":"2.0","paths":{"/apis/metrics.example.com/":{"a":1}},"definitions":{"Meta":{"own":1}}}`),
				V3: map[string]json.RawMessage{"metrics.example.com/v1beta1": json.RawMessage(`{"openapi":"3.0.0"}`)},
			}),
			GroupVersions: []schema.GroupVersion{{Group: "metrics.example.com", Version: "v1beta1"}},
			Replaced:      []schema.GroupVersion{{Group: "metrics.example.com", Version: "v1beta1"}},
		},
		{
			Name: "reviews", Version: "1",
			Discovery: encode(t, Discovery{{
				GroupVersion: "reviews.example.com/v1",
				APIResources: []metav1.APIResource{{Name: "reviews", Kind: "Review", Verbs: metav1.Verbs{"create"}}},
			}}),
			OpenAPI: encode(t, OpenAPI{
				V2: json.RawMessage(`{"paths":{"/apis/reviews.example.com/":{}}}`),
				V3: map[string]json.RawMessage{"reviews.example.com/v1": json.RawMessage(`{}`)},
			}),
			GroupVersions: []schema.GroupVersion{{Group: "reviews.example.com", Version: "v1"}},
		},
		{
			Name: "thief", Version: "1", Discovery: encode(t, Discovery{{
				GroupVersion: "reviews.example.com/v1", APIResources: []metav1.APIResource{{Name: "stolen"}},
			}}),
		},
		{Name: "damaged", Version: "1", Discovery: []byte("no gzip")},
	}
}

func respond(t *testing.T, source Source, request *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	NewHandler(source).ServeHTTP(recorder, request)
	return recorder
}

func request(t *testing.T, method, path string) *http.Request {
	t.Helper()
	return httptest.NewRequestWithContext(t.Context(), method, path, nil)
}

func storing(stored ...Stored) Source {
	return func(context.Context) ([]Stored, error) { return stored, nil }
}

func TestDiscoveryIsServedAsItWasStored(t *testing.T) {
	for name, test := range map[string]struct{ path, accept, contentType string }{
		"aggregated":         {"/apis", contentAggregated + "," + contentJSON, contentAggregated},
		"groups":             {"/apis", contentJSON, contentJSON},
		"group":              {"/apis/metrics.example.com", contentJSON, contentJSON},
		"group-version":      {"/apis/metrics.example.com/v1beta1", contentJSON, contentJSON},
		"not-replaced":       {"/apis/reviews.example.com/v1", contentJSON, contentJSON},
		"openapi-v2":         {"/openapi/v2", contentJSON, contentJSON},
		"openapi-v3":         {"/openapi/v3", contentJSON, contentJSON},
		"openapi-v3-metrics": {"/openapi/v3/apis/metrics.example.com/v1beta1", contentJSON, contentJSON},
	} {
		t.Run(name, func(t *testing.T) {
			request := request(t, http.MethodGet, test.path)
			request.Header.Set("Accept", test.accept)
			got := respond(t, storing(twoServers(t)...), request)
			if got.Code != http.StatusOK || got.Header().Get("Content-Type") != test.contentType {
				t.Fatalf("answered %d %s: %s", got.Code, got.Header().Get("Content-Type"), got.Body)
			}
			compareGolden(t, name+".json", got.Body.String())

			request.Header.Set("If-None-Match", got.Header().Get("Etag"))
			if again := respond(t, storing(twoServers(t)...), request); again.Code != http.StatusNotModified {
				t.Errorf("with the ETag it answered %d", again.Code)
			}
		})
	}
}

// compareGolden compares with a file of testdata, or writes it if UPDATE_GOLDEN is set.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || strings.TrimSuffix(string(want), "\n") != got {
		t.Errorf("answered %s, want %s (%v)", got, want, err)
	}
}

func TestEverythingElseIsUnavailable(t *testing.T) {
	const ofMetrics = "no replica of the server of ExtensionAPI metrics answers"
	for name, test := range map[string]struct{ method, path, words string }{
		"objects":                   {http.MethodGet, "/apis/metrics.example.com/v1beta1/nodes", ofMetrics},
		"one object":                {http.MethodGet, "/apis/metrics.example.com/v1beta1/namespaces/a/pods/b", ofMetrics},
		"a write":                   {http.MethodPost, "/apis/metrics.example.com/v1beta1/nodes", ofMetrics},
		"a write to discovery":      {http.MethodPost, "/apis", "answers only discovery"},
		"another version":           {http.MethodGet, "/apis/metrics.example.com/v2", ofMetrics},
		"another group":             {http.MethodGet, "/apis/example.com/v1", "answers only discovery"},
		"OpenAPI that others serve": {http.MethodGet, "/openapi/v3/apis/reviews.example.com/v1", "answers only discovery"},
		"health":                    {http.MethodGet, "/healthz", "answers only discovery"},
	} {
		t.Run(name, func(t *testing.T) {
			got := respond(t, storing(twoServers(t)...), request(t, test.method, test.path))
			var status metav1.Status
			if err := json.Unmarshal(got.Body.Bytes(), &status); err != nil {
				t.Fatal(err)
			}
			if got.Code != http.StatusServiceUnavailable || status.Code != http.StatusServiceUnavailable ||
				status.Reason != metav1.StatusReasonServiceUnavailable || !strings.Contains(status.Message, test.words) {
				t.Errorf("answered %d %v: %s", got.Code, got.Header(), got.Body)
			}
		})
	}
}

func TestWhatCannotBeReadIsUnavailable(t *testing.T) {
	source := func(context.Context) ([]Stored, error) { return nil, errors.New("no cache") }
	if got := respond(t, source, request(t, http.MethodGet, "/apis")); got.Code !=
		http.StatusServiceUnavailable {
		t.Errorf("answered %d", got.Code)
	}
}

func TestAChangeOfWhatIsStoredIsServed(t *testing.T) {
	stored := twoServers(t)
	handler := NewHandler(func(context.Context) ([]Stored, error) { return stored, nil })
	served := func() int {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request(t, http.MethodGet, "/openapi/v3/apis/reviews.example.com/v1"))
		return recorder.Code
	}
	if got := served(); got != http.StatusServiceUnavailable {
		t.Fatalf("before it is replaced, it answered %d", got)
	}
	stored[1].Replaced = []schema.GroupVersion{{Group: "reviews.example.com", Version: "v1"}}
	if got := served(); got != http.StatusOK {
		t.Errorf("once it is replaced, it answered %d", got)
	}
}

func TestOnlyOwnPathsOfOpenAPIV2AreServed(t *testing.T) {
	got := OwnV2(json.RawMessage(`{
		"paths": {"/apis/a/v1/things": {}, "/apis/b/v1/things": {}, "/apis/a/v1/odd": 42, "/apis/a/v11": {}},
		"definitions": {"Thing": {}, "odd": []}
	}`), []schema.GroupVersion{{Group: "a", Version: "v1"}})
	var own swagger
	if err := json.Unmarshal(got, &own); err != nil || len(own.Paths) != 1 || len(own.Definitions) != 1 {
		t.Errorf("kept is %s (%v)", got, err)
	}
	if own := OwnV2(json.RawMessage(`42`), []schema.GroupVersion{{Group: "a", Version: "v1"}}); own != nil {
		t.Errorf("kept is %s", own)
	}
}

func TestServersThatAreReplacedComeFirstWhereMemoryIsShort(t *testing.T) {
	many := func(name string, replaced bool) Stored {
		of := schema.GroupVersion{Group: name, Version: "v1"}
		stored := Stored{Name: name, GroupVersions: []schema.GroupVersion{of}, Discovery: encode(t, Discovery{{
			GroupVersion: of.String(), APIResources: make([]metav1.APIResource, limits.ServedResources*2/3),
		}})}
		if replaced {
			stored.Replaced = stored.GroupVersions
		}
		return stored
	}
	contents := newContents([]Stored{many("a", false), many("b", true)})
	if len(contents.discovery) != 1 || contents.owners["b"] != "b" {
		t.Errorf("held are %v", contents.owners)
	}
}

func TestOneSourceCannotTakeAllConnections(t *testing.T) {
	limited := &sourceLimited{limit: 2, open: map[string]int{}}
	for i, want := range []bool{true, true, false} {
		if got := limited.admit("10.0.0.1"); got != want {
			t.Errorf("connection %d of a source is admitted: %t", i+1, got)
		}
	}
	if !limited.admit("10.0.0.2") {
		t.Error("another source is refused")
	}
	limited.release("10.0.0.1")
	if !limited.admit("10.0.0.1") {
		t.Error("a connection that was closed still counts")
	}
}
