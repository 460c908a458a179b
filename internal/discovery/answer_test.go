// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func response(status int, contentType, body string) http.Response {
	return http.Response{
		StatusCode: status,
		Status:     fmt.Sprintf("%d %s", status, http.StatusText(status)),
		Header:     http.Header{"Content-Type": {contentType}},
		Body:       io.NopCloser(strings.NewReader(body)),
	}
}

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// The operator must interpret GET /apis as kube-apiserver does.
func TestAggregatedDiscoveryIsReadLikeKubeAPIServer(t *testing.T) {
	const document = `{"items":[{"metadata":{"name":"wardle.example.com"},"versions":[
		{"version":"v1","resources":[{"resource":"flunders"}]},{"version":"v2","resources":[]},
		{"version":"v9","resources":[{}]}]}]}`
	v2 := schema.GroupVersion{Group: groupVersion.Group, Version: "v2"}
	leftOut := schema.GroupVersion{Group: groupVersion.Group, Version: "v3"}
	tests := map[string]struct {
		response http.Response
		listed   map[schema.GroupVersion]int
		err      string
	}{
		"aggregated": {
			response(http.StatusOK, aggregatedType, document),
			map[schema.GroupVersion]int{groupVersion: 1, v2: 0, leftOut: 0},
			"",
		},
		"legacy": {response(http.StatusOK, "application/json", `{"groups":[]}`), nil, ""},
		"none":   {response(http.StatusNotFound, "text/plain", ""), nil, ""},
		"unavailable": {
			response(http.StatusServiceUnavailable, "text/plain", "wait"),
			nil,
			"503 Service Unavailable: wait",
		},
		"not a discovery document": {
			response(http.StatusOK, aggregatedType, "<html>"), nil,
			"no valid APIGroupDiscoveryList",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Key{Document: DocumentAPIs}.read(&test.response, []schema.GroupVersion{groupVersion, v2, leftOut})
			if failed := err != nil; !maps.Equal(got.Listed, test.listed) || failed != (test.err != "") ||
				!strings.Contains(errorText(err), test.err) {
				t.Errorf("got %v, %v", got.Listed, err)
			}
		})
	}
}

func TestAGroupVersionWithoutResourcesIsNoted(t *testing.T) {
	for body, want := range map[string]Content{
		goodAnswer: {Resources: 1, Deletable: 1, MoreThanGet: 1},
		`{"groupVersion":"wardle.example.com/v1","resources":[]}`: {
			Listed: map[schema.GroupVersion]int{groupVersion: 0},
		},
	} {
		answer := response(http.StatusOK, "application/json", body)
		got, err := documentKey.read(&answer, nil)
		if err != nil || !got.sameResources(want) || !maps.Equal(got.Listed, want.Listed) {
			t.Errorf("of %s it reads %+v, %v", body, got, err)
		}
	}
}

func TestErrorsQuoteTheStatusMessage(t *testing.T) {
	body := `{"kind":"Status","message":"User \"system:anonymous\" cannot get path"}`
	refusal := response(http.StatusForbidden, "application/json", body)
	_, err := documentKey.read(&refusal, nil)
	if got := errorText(err); got != `answered 403 Forbidden: User "system:anonymous" cannot get path` {
		t.Errorf("reads %q", got)
	}
}
