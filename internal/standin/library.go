// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Stored is what is stored of one server.
type Stored struct {
	// Name of the ExtensionAPI.
	Name string
	// Version distinguishes what is stored now from what was stored before.
	Version string
	// Discovery and OpenAPI are encoded.
	Discovery, OpenAPI []byte
	// GroupVersions are those that the ExtensionAPI has registered, and Replaced those of them whose APIServices lead to
	// the stand-in.
	GroupVersions, Replaced []schema.GroupVersion
}

// Source returns what is stored of each server, ordered by name.
type Source func(context.Context) ([]Stored, error)

// library decodes what is stored, once for each version of it.
type library struct {
	source Source

	mu      sync.Mutex
	version string
	current *contents
}

// contents are decoded documents.
type contents struct {
	discovery Discovery
	// openAPI is of the servers that are replaced: kube-apiserver attributes every listed document to the server that it
	// reads the list from (kube-aggregator pkg/controllers/openapiv3/aggregator/aggregator.go).
	openAPI []OpenAPI
	// owners are the names of the ExtensionAPIs, by group.
	owners map[string]string

	mu sync.Mutex
	// rendered are responses, by what was requested.
	rendered map[string]response
}

// response is what a request is answered with.
type response struct {
	body []byte
	etag string
}

// read returns the current contents.
func (l *library) read(ctx context.Context) (*contents, error) {
	stored, err := l.source(ctx)
	if err != nil {
		return nil, err
	}
	version := versionOf(stored)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil || l.version != version {
		l.current, l.version = newContents(stored), version
	}
	return l.current, nil
}

func versionOf(stored []Stored) string {
	var version strings.Builder
	for _, each := range stored {
		fmt.Fprintf(&version, "%s %s %v %v\n", each.Name, each.Version, each.GroupVersions, each.Replaced)
	}
	return version.String()
}

// newContents leaves out what cannot be decoded, and what would take too much memory: first of servers that are not
// replaced.
func newContents(stored []Stored) *contents {
	c := &contents{owners: map[string]string{}, rendered: map[string]response{}}
	resources := 0
	for _, each := range replacedFirst(stored) {
		discovery := discoveryOf(each)
		for _, list := range discovery {
			resources += len(list.APIResources)
		}
		if len(discovery) == 0 || resources > limits.ServedResources {
			continue
		}
		c.discovery = append(c.discovery, discovery...)
		for _, list := range discovery {
			c.owners[GroupVersionOf(list).Group] = each.Name
		}
		if len(each.Replaced) > 0 {
			c.openAPI = append(c.openAPI, openAPIOf(each))
		}
	}
	return c
}

func replacedFirst(stored []Stored) []Stored {
	isReplaced := func(s Stored) int { return min(1, len(s.Replaced)) }
	return slices.SortedStableFunc(slices.Values(stored), func(a, b Stored) int {
		return cmp.Compare(isReplaced(b), isReplaced(a))
	})
}

// discoveryOf is that of the group-versions that the ExtensionAPI has registered.
func discoveryOf(stored Stored) (discovery Discovery) {
	if Decode(stored.Discovery, &discovery) != nil {
		return nil
	}
	return slices.DeleteFunc(discovery, func(resources metav1.APIResourceList) bool {
		return !slices.Contains(stored.GroupVersions, GroupVersionOf(resources))
	})
}

// openAPIOf leaves out the OpenAPI v3 of group-versions that the server serves itself.
func openAPIOf(stored Stored) (openAPI OpenAPI) {
	if Decode(stored.OpenAPI, &openAPI) != nil {
		return OpenAPI{}
	}
	for groupVersion := range openAPI.V3 {
		if !slices.ContainsFunc(stored.Replaced, func(g schema.GroupVersion) bool { return g.String() == groupVersion }) {
			delete(openAPI.V3, groupVersion)
		}
	}
	return openAPI
}

// render returns the response to a request, which is encoded once.
func (c *contents) render(request string, encode func() ([]byte, error)) (response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, found := c.rendered[request]; found {
		return known, nil
	}
	body, err := encode()
	if err != nil {
		return response{}, err
	}
	c.rendered[request] = response{body, `"` + hashOf(body) + `"`}
	return c.rendered[request], nil
}
