// SPDX-License-Identifier: Apache-2.0

package act

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/standin"
)

func resources(groupVersion string, verbs ...string) metav1.APIResourceList {
	return metav1.APIResourceList{
		GroupVersion: groupVersion, APIResources: []metav1.APIResource{{Name: "things", Verbs: verbs}},
	}
}

func TestWhatAnyReplicaAdvertisesAsDeletableIsNotKept(t *testing.T) {
	kept := encoded(discovery.Documents{Discovery: []metav1.APIResourceList{resources("a/v1", "get")}},
		[]schema.GroupVersion{{Group: "a", Version: "v1"}})
	if kept.err != nil || len(kept.groupVersions) > 0 {
		t.Errorf("kept are %v (%v)", kept.groupVersions, kept.err)
	}
}

func TestOnlyDocumentsOfTheSafeClassAreKept(t *testing.T) {
	kept := encoded(discovery.Documents{
		Discovery: []metav1.APIResourceList{resources("a/v1", "get"), resources("b/v1", "get", "delete")},
		OpenAPIV2: json.RawMessage(`{"paths":{"/apis/a/v1/":{},"/apis/b/v1/":{}}}`),
		OpenAPIV3: map[string]json.RawMessage{"a/v1": json.RawMessage(`{}`), "b/v1": json.RawMessage(`{}`)},
	}, nil)
	var lists standin.Discovery
	var openAPI standin.OpenAPI
	err := errors.Join(kept.err, standin.Decode(kept.discovery, &lists), standin.Decode(kept.openAPI, &openAPI))
	if err != nil {
		t.Fatal(err)
	}
	if len(kept.groupVersions) != 1 || len(lists) != 1 || lists[0].GroupVersion != "a/v1" || len(openAPI.V3) != 1 ||
		openAPI.V3["a/v1"] == nil || !strings.Contains(string(openAPI.V2), `"/apis/a/v1/"`) ||
		strings.Contains(string(openAPI.V2), `"/apis/b/v1/"`) {
		t.Errorf("kept are %v, %v and %+v", kept.groupVersions, lists, openAPI)
	}
}

// noise cannot be compressed to less than half of its length.
func noise(length int) string {
	random := rand.New(rand.NewPCG(0, 0))
	text := make([]byte, length)
	for i := range text {
		text[i] = byte('!' + random.IntN(90))
	}
	return strconv.Quote(string(text))
}

func TestOpenAPIThatIsTooLargeIsLeftOutAndDiscoveryIsAnError(t *testing.T) {
	read := discovery.Documents{
		Discovery: []metav1.APIResourceList{resources("a/v1", "get")},
		OpenAPIV2: json.RawMessage(`{"paths":{"/apis/a/v1/":{"a":` + noise(2*limits.StoredOpenAPI) + `}}}`),
	}
	var openAPI standin.OpenAPI
	kept := encoded(read, nil)
	if err := errors.Join(kept.err, standin.Decode(kept.openAPI, &openAPI)); err != nil || len(openAPI.V2) > 0 {
		t.Errorf("kept are %d bytes (%v)", len(openAPI.V2), err)
	}
	read.Discovery[0].APIResources[0].Kind = noise(2 * limits.StoredDiscovery)
	if kept := encoded(read, nil); kept.err == nil {
		t.Error("discovery that is too large is kept")
	}
}
