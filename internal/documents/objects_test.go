// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

func TestOnlyListsOfObjectsAreAccepted(t *testing.T) {
	for name, test := range map[string]struct{ document, err string }{
		"a list":                {`{"kind":"GadgetList","items":[{"metadata":{}}]}`, ""},
		"a list without items":  {`{"kind":"GadgetList","apiVersion":"a/v1"}`, ""},
		"a list without a kind": {`{"items":null}`, ""},
		"an object":             {`{"kind":"Status"}`, `a document of kind "Status" instead of a list`},
		"no object":             {`[]`, "[ instead of {"},
		"items of other things": {`{"items":["a"]}`, "string instead of {"},
		"a page":                {"<html>", "no valid list of objects"},
		"one that is cut off":   {`{"kind":"GadgetList","items":[`, "it ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			response := answer("application/json", "", test.document)
			checkError(t, ReadObjectList(&response), test.err)
		})
	}
}

// protobufOf returns an object as k8s.io/apiserver encodes it for client-go's metadata client.
func protobufOf(t *testing.T, object interface{ Marshal() ([]byte, error) }, kind string) string {
	t.Helper()
	raw, err := object.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	typeMeta := "\x0a\x0emeta.k8s.io/v1\x12" + string(rune(len(kind))) + kind
	return "k8s\x00\x0a" + string(rune(len(typeMeta))) + typeMeta + "\x12" + string(rune(len(raw))) + string(raw)
}

func TestListsInProtobufAreAccepted(t *testing.T) {
	list := &metav1.PartialObjectMetadataList{Items: []metav1.PartialObjectMetadata{{}}}
	for name, test := range map[string]struct{ document, err string }{
		"a list":                   {protobufOf(t, list, "PartialObjectMetadataList"), ""},
		"an object":                {protobufOf(t, list, "Status"), `a document of kind "Status" instead of a list`},
		"a list in JSON":           {`{"kind":"GadgetList","items":[]}`, "it does not begin as protobuf of Kubernetes does"},
		"nothing":                  {"", "it does not begin as protobuf of Kubernetes does"},
		"one without a type":       {"k8s\x00\x12\x00", "it has no type"},
		"one that is cut off":      {"k8s\x00\x0a\x7fx", "it has no type"},
		"one whose type is no one": {"k8s\x00\x08\x01", "invalid protobuf"},
	} {
		t.Run(name, func(t *testing.T) {
			response := answer("application/vnd.kubernetes.protobuf", "", test.document)
			checkError(t, ReadObjectList(&response), test.err)
		})
	}
}

func TestInitialEventsEndWithTheBookmark(t *testing.T) {
	const (
		added    = `{"type":"ADDED","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"false"}}}}` + "\n"
		plain    = `{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1"}}}` + "\n"
		bookmark = `{"type":"BOOKMARK","object":{"metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}}}` + "\n"
	)
	for name, test := range map[string]struct {
		stream string
		before int
		err    string
	}{
		"immediately":         {bookmark + added, 0, ""},
		"after some":          {added + plain + bookmark, 2, ""},
		"never":               {added, 1, io.EOF.Error()},
		"an error":            {`{"type":"ERROR","object":{"kind":"Status"}}`, 0, ErrWatchError.Error()},
		"without any event":   {"", 0, io.EOF.Error()},
		"a list":              {`{"kind":"GadgetList","items":[]}`, 0, "an event without a type"},
		"a page":              {"<html>", 0, "no valid stream of events"},
		"one that is cut off": {added + `{"type":`, 1, "it ends too early"},
	} {
		t.Run(name, func(t *testing.T) {
			before := 0
			err := ReadInitialEvents(strings.NewReader(test.stream), func() { before++ })
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) ||
				before != test.before {
				t.Errorf("%d events, then %v; want %d and %q", before, err, test.before, test.err)
			}
		})
	}
}

func TestInitialEventsAreBounded(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(`{"type":"`), forever("x"))
	err := ReadInitialEvents(endless, func() {})
	if _, tooMuch := errors.AsType[*TooLargeError](err); !tooMuch {
		t.Errorf("got %v", err)
	}
}

// forever repeats a text without end.
type forever string

func (f forever) Read(into []byte) (int, error) { return copy(into, f), nil }

func TestResourcesOfAggregatedDiscovery(t *testing.T) {
	const document = `{"kind":"APIGroupDiscoveryList","items":[{"versions":[{"version":"v1","resources":[
		{"resource":"gadgets","scope":"Namespaced","verbs":["delete","list"],"subresources":[{"subresource":"status"}]},
		{"resource":"nodes","scope":"Cluster"}]}],"metadata":{"name":"a"}}]}`
	got := map[schema.GroupVersion][]Resource{}
	keep := func(of schema.GroupVersion, r Resource) error {
		got[of] = append(got[of], r)
		return nil
	}
	kind, err := EachAggregatedResource(strings.NewReader(document), limits.Discovery, keep)
	want := []Resource{
		{Name: "gadgets", Namespaced: true, Deletable: true, Listable: true, MoreThanGet: true}, {Name: "nodes"},
	}
	if err != nil || kind != "APIGroupDiscoveryList" || len(got) != 1 ||
		!slices.Equal(got[schema.GroupVersion{Group: "a", Version: "v1"}], want) {
		t.Errorf("got %+v of a %q, %v", got, kind, err)
	}
}

func TestTooManyAggregatedResourcesAreRejected(t *testing.T) {
	document := `{"items":[{"versions":[{"resources":[` + strings.Repeat("{},", limits.ComparedResources) + `{}]}]}]}`
	ignore := func(schema.GroupVersion, Resource) error { return nil }
	_, err := EachAggregatedResource(strings.NewReader(document), limits.Discovery, ignore)
	if _, tooMuch := errors.AsType[*TooLargeError](err); !tooMuch {
		t.Errorf("got %v", err)
	}
}

func TestOpenAPI(t *testing.T) {
	for document, want := range map[string]string{
		`{"swagger":"2.0","paths":{}}`: "",
		`{"openapi":"3.0.0"}`:          "there is no field swagger",
		`<html>`:                       "no valid OpenAPI v2",
	} {
		checkError(t, ReadOpenAPIV2(strings.NewReader(document)), want)
	}
	checkError(t, ReadOpenAPIV3(strings.NewReader(`{"paths":{}}`)), "")
	checkError(t, ReadOpenAPIV3(strings.NewReader(`{}`)), "there is no field paths")
}
