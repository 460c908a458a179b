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

// read reads the complete response, unless it is invalid, and returns its content for the group-versions.
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

// readFailure returns nil for a status that kube-apiserver tolerates.
func (k Key) readFailure(response *http.Response) error {
	if k.fails(response.StatusCode) {
		return &statusError{response.StatusCode, response.Status, documents.ErrorMessage(response)}
	}
	return documents.Pass(response.Body)
}

// fails reports whether kube-apiserver treats a status other than 200 as a failure. It tolerates a missing OpenAPI
// document: only a slow response does harm. Without aggregated discovery it requests each group-version instead, except
// after 503 (kube-aggregator pkg/apiserver/handler_discovery.go).
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

// readGroupVersion checks that the response is for the requested group-version.
func readGroupVersion(body io.Reader, groupVersion schema.GroupVersion) (Content, error) {
	list, err := documents.ReadResourceList(body)
	if err != nil {
		return Content{}, err
	}
	if list.GroupVersion != groupVersion.String() {
		return Content{}, documents.Malformed(`for group-version "%s" instead of "%s"`,
			excerpt.Of(list.GroupVersion, maxGroupVersion), groupVersion)
	}
	content := Content{Resources: list.Resources, Deletable: list.Deletable, MoreThanGet: list.MoreThanGet}
	if list.Resources == 0 {
		content.Listed = map[schema.GroupVersion]int{groupVersion: 0}
	}
	return content, nil
}

// maxGroupVersion is how many bytes of a wrong group-version an error quotes.
const maxGroupVersion = 100

// readAPIs keeps only the entries of the given group-versions: a server may list any number of them.
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
