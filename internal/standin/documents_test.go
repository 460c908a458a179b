// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func resourceWith(name string, verbs ...string) metav1.APIResource {
	return metav1.APIResource{Name: name, Kind: "Node", Namespaced: true, Verbs: verbs}
}

func TestOnlyAGroupVersionWithoutDeleteIsSafe(t *testing.T) {
	for name, test := range map[string]struct {
		resources []metav1.APIResource
		want      bool
	}{
		"metrics":                     {[]metav1.APIResource{resourceWith("nodes", "get", "list")}, true},
		"one of several is deletable": {[]metav1.APIResource{resourceWith("a", "get"), resourceWith("b", "delete")}, false},
		"a whole collection is":       {[]metav1.APIResource{resourceWith("a", "list", "deletecollection")}, false},
		"create only, such as reviews": {
			[]metav1.APIResource{resourceWith("reviews", "create")}, true,
		},
		"nothing is known of what it has": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := IsSafe(metav1.APIResourceList{APIResources: test.resources}); got != test.want {
				t.Errorf("it is safe: %t", got)
			}
		})
	}
}

func TestDocumentsAreEncodedTheSameEachTime(t *testing.T) {
	documents := OpenAPI{
		V2: json.RawMessage(`{}`),
		V3: map[string]json.RawMessage{"b/v1": json.RawMessage(`{"b":1}`), "a/v1": json.RawMessage(`{"a":1}`)},
	}
	first, err := Encode(documents)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := Encode(documents)
	if !bytes.Equal(first, second) {
		t.Error("two encodings differ")
	}
	var decoded OpenAPI
	if err := Decode(first, &decoded); err != nil || !reflect.DeepEqual(decoded, documents) {
		t.Errorf("decoded %v (%v)", decoded, err)
	}
}

func TestDamagedDocumentsAreAnError(t *testing.T) {
	var decoded OpenAPI
	for _, damaged := range [][]byte{nil, []byte("no gzip")} {
		if err := Decode(damaged, &decoded); err == nil {
			t.Errorf("%q was decoded", damaged)
		}
	}
}
