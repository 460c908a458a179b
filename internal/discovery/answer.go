// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"io"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

const (
	acceptJSON = "application/json"
	// acceptAggregated is the first choice of kube-apiserver (kube-aggregator pkg/apiserver/handler_discovery.go).
	acceptAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
)

func (k Key) accept() string {
	if k.Document == DocumentAPIs {
		return acceptAggregated + "," + acceptJSON
	}
	return acceptJSON
}

// read reads the answer to its end, unless something is wrong with it, and returns what it says of the group-versions.
func (k Key) read(response *http.Response, groupVersions []schema.GroupVersion) (Content, error) {
	if response.StatusCode != http.StatusOK {
		return Content{}, k.readFailure(response)
	}
	body, err := documents.Body(response)
	switch {
	case err != nil:
		return Content{}, err
	case k.Document == DocumentGroupVersion:
		return readGroupVersion(body, k.GroupVersion)
	case k.Document == DocumentAPIs && strings.Contains(response.Header.Get("Content-Type"), "as=APIGroupDiscoveryList"):
		return readAPIs(body, groupVersions)
	default:
		return Content{}, documents.Pass(body)
	}
}

// readFailure returns nil for a status that kube-apiserver does not mind.
func (k Key) readFailure(response *http.Response) error {
	if k.fails(response.StatusCode) {
		return &statusError{response.StatusCode, response.Status, documents.Words(response)}
	}
	return documents.Pass(response.Body)
}

// fails reports whether kube-apiserver minds a status other than 200. It does without OpenAPI, of which only a slow
// answer does harm. Without aggregated discovery it asks for each group-version instead, but with 503 (kube-aggregator
// pkg/apiserver/handler_discovery.go).
func (k Key) fails(status int) bool {
	switch k.Document {
	case DocumentOpenAPI:
		return false
	case DocumentAPIs:
		return status == http.StatusServiceUnavailable
	default:
		return true
	}
}

// readGroupVersion makes sure that the answer speaks of the group-version that was asked for.
func readGroupVersion(body io.Reader, groupVersion schema.GroupVersion) (Content, error) {
	list, err := documents.ReadResourceList(body)
	if err != nil {
		return Content{}, err
	}
	if list.GroupVersion != groupVersion.String() {
		return Content{}, documents.Malformed(`for group-version "%s" instead of "%s"`,
			excerpt.Of(list.GroupVersion, maxGroupVersion), groupVersion)
	}
	return Content{Resources: list.Resources}, nil
}

// maxGroupVersion is how much of a wrong group-version is repeated.
const maxGroupVersion = 100

// readAPIs keeps only what is said of the group-versions: a server may list any number of them.
func readAPIs(body io.Reader, groupVersions []schema.GroupVersion) (Content, error) {
	listed := map[schema.GroupVersion]int{}
	for _, groupVersion := range groupVersions {
		listed[groupVersion] = 0
	}
	_, err := documents.EachVersion(body, limits.Discovery, func(version documents.Version) error {
		if slices.Contains(groupVersions, version.GroupVersion) {
			listed[version.GroupVersion] = version.Resources
		}
		return nil
	})
	if err != nil {
		return Content{}, err
	}
	return Content{Listed: listed}, nil
}
