// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	contentJSON = "application/json"
	// contentAggregated is the type of aggregated discovery (k8s.io/client-go/discovery).
	contentAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
)

// NewHandler returns a handler of discovery requests for what source returns. Every other request is answered 503: to
// clients it would be wrong that there is no such object, or that they may not read it.
func NewHandler(source Source) http.Handler { return handler{&library{source: source}} }

type handler struct{ library *library }

// ServeHTTP implements http.Handler.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	contents, err := h.library.read(r.Context())
	if err != nil {
		unavailable(w, "the stored discovery cannot be read: "+err.Error())
		return
	}
	document, contentType := contents.find(r)
	if document == nil {
		unavailable(w, contents.explain(r.URL.Path))
		return
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	rendered, err := contents.render(contentType+" "+path, func() ([]byte, error) { return json.Marshal(document()) })
	if err != nil {
		unavailable(w, err.Error())
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Etag", rendered.etag)
	w.Header().Set("Vary", "Accept")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(rendered.body))
}

// find returns how to make the requested document, and its type; nil if it is none.
func (c *contents) find(r *http.Request) (document func() any, contentType string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, ""
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	if path == "/apis" && strings.Contains(r.Header.Get("Accept"), "as=APIGroupDiscoveryList") {
		return func() any { return aggregated(c.discovery) }, contentAggregated
	}
	return c.at(path), contentJSON
}

// at returns the JSON document of a path, nil if there is none.
func (c *contents) at(path string) (document func() any) {
	if groupVersion, found := strings.CutPrefix(path, "/openapi/v3/apis/"); found {
		return c.documentV3(groupVersion)
	}
	if name, found := strings.CutPrefix(path, "/apis/"); found {
		return c.listOf(name)
	}
	return map[string]func() any{
		"/apis":       func() any { return groups(c.discovery) },
		"/openapi/v2": func() any { return mergedV2(c.openAPI) },
		"/openapi/v3": func() any { return indexOf(c.openAPI) },
	}[path]
}

// documentV3 returns nil if there is none.
func (c *contents) documentV3(groupVersion string) func() any {
	for _, each := range c.openAPI {
		if document, found := each.V3[groupVersion]; found {
			return func() any { return document }
		}
	}
	return nil
}

// listOf returns the resources of a group-version, or the versions of a group; nil if there are none.
func (c *contents) listOf(name string) func() any {
	for _, resources := range c.discovery {
		if resources.GroupVersion == name {
			resources.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}
			return func() any { return resources }
		}
	}
	for _, group := range groups(c.discovery).Groups {
		if group.Name == name {
			group.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroup"}
			return func() any { return group }
		}
	}
	return nil
}

// explain says whose server does not answer.
func (c *contents) explain(path string) string {
	group, _, _ := strings.Cut(strings.TrimPrefix(path, "/apis/"), "/")
	name, found := c.owners[group]
	if !found {
		return "extensionapi-operator answers only discovery here, for extension API servers of which no replica answers"
	}
	return fmt.Sprintf("no replica of the server of ExtensionAPI %s answers; extensionapi-operator answers only its "+
		"discovery, so that namespaces can be deleted. See: kubectl describe extensionapi %s", name, name)
}

// unavailable answers 503 with a Status, without Retry-After, as kube-apiserver itself does for a server that is down:
// clients built on client-go would repeat each request up to ten times, and wait that often.
func unavailable(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", contentJSON)
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(metav1.Status{ // the client is gone otherwise
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure,
		Message:  message,
		Reason:   metav1.StatusReasonServiceUnavailable,
		Code:     http.StatusServiceUnavailable,
	})
}
