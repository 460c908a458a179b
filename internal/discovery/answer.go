// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	acceptJSON = "application/json"
	// acceptAggregated is the first choice of kube-apiserver (kube-aggregator pkg/apiserver/handler_discovery.go).
	acceptAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
	// maxExcerpt is how much of an error's text is repeated.
	maxExcerpt = 200
)

// reply is what came back, whole.
type reply struct {
	status int
	// statusText is the status and its words, such as "404 Not Found".
	statusText, contentType string
	body                    []byte
}

func (k Key) accept() string {
	if k.Document == DocumentAPIs {
		return acceptAggregated + "," + acceptJSON
	}
	return acceptJSON
}

// read returns what the answer says, or what is wrong with it.
func (k Key) read(a reply) (Content, error) {
	switch {
	case k.Document == DocumentOpenAPI:
		// kube-apiserver does without an answer that is no good; only a slow one does harm.
		return Content{}, nil
	case k.Document == DocumentAPIs:
		return readAPIs(a)
	case a.status != http.StatusOK:
		return Content{}, &statusError{a.status, a.statusText, a.excerpt()}
	default:
		return readGroupVersion(a.body, k.GroupVersion)
	}
}

// readGroupVersion makes sure that the answer speaks of the group-version that was asked for.
func readGroupVersion(body []byte, groupVersion schema.GroupVersion) (Content, error) {
	list := metav1.APIResourceList{}
	if err := json.Unmarshal(body, &list); err != nil {
		return Content{}, malformed("answered something that is no APIResourceList: %v", err)
	}
	if list.GroupVersion != groupVersion.String() {
		return Content{}, malformed("answered for group-version %q instead of %q", list.GroupVersion, groupVersion)
	}
	return Content{Resources: len(list.APIResources)}, nil
}

// readAPIs follows kube-aggregator pkg/apiserver/handler_discovery.go: 503 is a failure, and whatever is no aggregated
// discovery has it ask for each group-version instead.
func readAPIs(a reply) (Content, error) {
	if a.status == http.StatusServiceUnavailable {
		return Content{}, &statusError{a.status, a.statusText, a.excerpt()}
	}
	if a.status != http.StatusOK || !strings.Contains(a.contentType, "as=APIGroupDiscoveryList") {
		return Content{}, nil
	}
	list := apidiscoveryv2.APIGroupDiscoveryList{}
	if err := json.Unmarshal(a.body, &list); err != nil {
		return Content{}, malformed("answered something that is no APIGroupDiscoveryList: %v", err)
	}
	listed := map[schema.GroupVersion]int{}
	for _, group := range list.Items {
		for _, version := range group.Versions {
			listed[schema.GroupVersion{Group: group.Name, Version: version.Version}] = len(version.Resources)
		}
	}
	return Content{Listed: listed}, nil
}

func malformed(format string, args ...any) error {
	return &answerError{ClassMalformed, fmt.Sprintf(format, args...)}
}

// excerpt is the beginning of what an error says, where it is for people: text, or the message of a Status.
func (a reply) excerpt() string {
	text := ""
	switch {
	case strings.HasPrefix(a.contentType, "text/plain"):
		text = string(a.body[:min(len(a.body), maxExcerpt)])
	case strings.HasPrefix(a.contentType, "application/json"):
		status := metav1.Status{}
		_ = json.Unmarshal(a.body, &status)
		text = status.Message[:min(len(status.Message), maxExcerpt)]
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.ToValidUTF8(line, "")
}
