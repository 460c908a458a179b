// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// What kube-apiserver makes of GET /apis is made of it here, too.
func TestAggregatedDiscoveryIsReadAsKubeAPIServerDoes(t *testing.T) {
	const document = `{"items":[{"metadata":{"name":"wardle.example.com"},"versions":[
		{"version":"v1","resources":[{"resource":"flunders"}]},{"version":"v2","resources":[]}]}]}`
	tests := map[string]struct {
		reply  reply
		listed map[schema.GroupVersion]int
		err    string
	}{
		"aggregated": {
			reply{http.StatusOK, "200 OK", aggregatedType, []byte(document)},
			map[schema.GroupVersion]int{groupVersion: 1, {Group: groupVersion.Group, Version: "v2"}: 0},
			"",
		},
		"legacy": {reply{http.StatusOK, "200 OK", "application/json", []byte(`{"groups":[]}`)}, nil, ""},
		"none":   {reply{http.StatusNotFound, "404 Not Found", "text/plain", nil}, nil, ""},
		"unavailable": {
			reply{http.StatusServiceUnavailable, "503 Service Unavailable", "text/plain", []byte("wait")},
			nil,
			"503 Service Unavailable: wait",
		},
		"rubbish": {reply{http.StatusOK, "200 OK", aggregatedType, []byte("<html>")}, nil, "no APIGroupDiscoveryList"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Key{Document: DocumentAPIs}.read(test.reply)
			if failed := err != nil; !maps.Equal(got.Listed, test.listed) || failed != (test.err != "") ||
				!strings.Contains(errorText(err), test.err) {
				t.Errorf("got %v, %v", got.Listed, err)
			}
		})
	}
}

func TestTheWordsOfAStatusAreRepeated(t *testing.T) {
	body := `{"kind":"Status","message":"User \"system:anonymous\" cannot get path"}`
	_, err := documentKey.read(reply{http.StatusForbidden, "403 Forbidden", "application/json", []byte(body)})
	if got := errorText(err); got != `answered 403 Forbidden: User "system:anonymous" cannot get path` {
		t.Errorf("reads %q", got)
	}
}
