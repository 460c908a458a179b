// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const gadgets = "/apis/example.com/v1/gadgets"

// acceptMetadata is what client-go's metadata client sends.
const acceptMetadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," +
	"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// withObjects is a behaviour with two objects.
func withObjects() Behaviour {
	return Behaviour{Resources: []Resource{DeletableResource}, Objects: []Object{
		{Namespace: "a", Name: "red", Labels: map[string]string{"colour": "red"}}, {Namespace: "b", Name: "blue"},
	}}
}

// respond returns the response of a server with the behaviour. A watch ends after a second.
func respond(t *testing.T, server *Server, method, path, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	r.Header.Set("Accept", accept)
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, r)
	return recorder
}

func TestObjectsAreListedAsConfigured(t *testing.T) {
	for name, test := range map[string]struct {
		change       func(*Behaviour)
		path, accept string
		status       int
		words        string
	}{
		"all":               {nil, gadgets, "", 200, `"name":"blue","namespace":"b"`},
		"as they are":       {nil, gadgets, "", 200, `"kind":"GadgetList"`},
		"only metadata":     {nil, gadgets, acceptMetadata, 200, `"kind":"PartialObjectMetadataList"`},
		"of a namespace":    {nil, "/apis/example.com/v1/namespaces/c/gadgets", "", 200, `"items":[]`},
		"by label":          {nil, gadgets + "?labelSelector=colour%3Dgreen", "", 200, `"items":[]`},
		"unknown resources": {nil, "/apis/example.com/v1/widgets", "", 404, ""},
		"an error":          {func(b *Behaviour) { b.List.Status = 500 }, gadgets, "", 500, ""},
		"no list":           {func(b *Behaviour) { b.List.Body = OtherDocument }, gadgets, "", 200, `"kind":"Unrelated"`},
		"refused protobuf":  {func(b *Behaviour) { b.RefusesProtobuf = true }, gadgets, acceptMetadata, 406, ""},
		"no protobuf":       {func(b *Behaviour) { b.RefusesProtobuf = true }, gadgets, "application/json", 200, "List"},
	} {
		t.Run(name, func(t *testing.T) {
			behaviour, server := withObjects(), New(v1)
			if test.change != nil {
				test.change(&behaviour)
			}
			server.Behave(behaviour)
			response := respond(t, server, http.MethodGet, test.path, test.accept)
			if response.Code != test.status || !strings.Contains(response.Body.String(), test.words) {
				t.Errorf("%d %s", response.Code, response.Body)
			}
		})
	}
}

func TestDeletedObjectsAreGone(t *testing.T) {
	server := New(v1)
	server.Behave(withObjects())
	for _, path := range []string{
		"/apis/example.com/v1/namespaces/a/gadgets", "/apis/example.com/v1/namespaces/b/gadgets/blue",
	} {
		if response := respond(t, server, http.MethodDelete, path, ""); response.Code != http.StatusOK {
			t.Errorf("%s: %d", path, response.Code)
		}
	}
	if left := server.Behaviour().Objects; len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

func TestFailedDeletionDeletesNothing(t *testing.T) {
	server, behaviour := New(v1), withObjects()
	behaviour.DeleteCollection.Status = http.StatusInternalServerError
	server.Behave(behaviour)
	response := respond(t, server, http.MethodDelete, "/apis/example.com/v1/namespaces/a/gadgets", "")
	if left := server.Behaviour().Objects; response.Code != http.StatusInternalServerError || len(left) != 2 {
		t.Errorf("%d, and %v are left", response.Code, left)
	}
}

func TestWatchesSendInitialEventsAsConfigured(t *testing.T) {
	const plain, initial = gadgets + "?watch=true&timeoutSeconds=1", "&sendInitialEvents=true"
	for name, test := range map[string]struct {
		change func(*Behaviour)
		path   string
		status int
		types  string
	}{
		"with a bookmark":    {nil, plain + initial, 200, "ADDED ADDED BOOKMARK"},
		"by label":           {nil, plain + initial + "&labelSelector=colour", 200, "ADDED BOOKMARK"},
		"without initial":    {nil, plain + "&resourceVersion=1", 200, ""},
		"with implicit ones": {nil, plain, 200, "ADDED ADDED"},
		"without a bookmark": {
			func(b *Behaviour) { b.InitialEvents = WithoutBookmark }, plain + initial, 200, "ADDED ADDED",
		},
		"refused":             {func(b *Behaviour) { b.InitialEvents = Refused }, plain + initial, 422, ""},
		"only initial events": {func(b *Behaviour) { b.InitialEvents = Refused }, plain, 200, "ADDED ADDED"},
		"with an error":       {func(b *Behaviour) { b.Watch.Status = 500 }, plain, 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			behaviour, server := withObjects(), New(v1)
			if test.change != nil {
				test.change(&behaviour)
			}
			server.Behave(behaviour)
			response := respond(t, server, http.MethodGet, test.path, "application/json;as=PartialObjectMetadata")
			types := eventTypes(t, response)
			if response.Code != test.status || types != test.types {
				t.Errorf("%d with %q, want %d with %q", response.Code, types, test.status, test.types)
			}
		})
	}
}

// eventTypes returns the types of the events of a successful watch.
func eventTypes(t *testing.T, response *httptest.ResponseRecorder) string {
	t.Helper()
	var types []string
	for decoder := json.NewDecoder(response.Body); response.Code == http.StatusOK && decoder.More(); {
		event := struct{ Type string }{}
		if err := decoder.Decode(&event); err != nil {
			t.Fatal(err)
		}
		types = append(types, event.Type)
	}
	return strings.Join(types, " ")
}

func TestWatchEndsWhenTheBehaviourChanges(t *testing.T) {
	server, client := start(t)
	server.Behave(withObjects())
	response, err := send(t, server, client, gadgets+"?watch=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	server.Behave(Behaviour{})
	if content, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(content), "ADDED") {
		t.Errorf("%s, %v", content, err)
	}
}
