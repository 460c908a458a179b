// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

func put(t *testing.T, server *Server, behaviour string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/behaviour", strings.NewReader(behaviour))
	server.Control().ServeHTTP(recorder, request)
	return recorder
}

func TestControlReplacesAndReturnsTheBehaviour(t *testing.T) {
	const behaviour = `{"discovery":{"delay":"7s","body":"Broken"},"certificate":"Expired","for":"direct"}`
	server := New(v1)
	if answer := put(t, server, behaviour); answer.Code != http.StatusOK {
		t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	want := Behaviour{Discovery: Slow(7 * time.Second), Certificate: Expired, For: Direct}
	want.Discovery.Body = Broken
	if got := server.Behaviour(); !reflect.DeepEqual(got, want) {
		t.Errorf("the behaviour is %+v, want %+v", got, want)
	}
	recorder := httptest.NewRecorder()
	server.Control().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/behaviour", nil))
	if got := strings.TrimSpace(recorder.Body.String()); got != behaviour {
		t.Errorf("GET /behaviour returns %s, want %s", got, behaviour)
	}
}

func TestControlRejectsInvalidBehaviour(t *testing.T) {
	for behaviour, words := range map[string]string{
		`{`:                                   "unexpected EOF",
		`{"dicsovery":{}}`:                    `unknown field "dicsovery"`,
		`{"discovery":{"delay":"soon"}}`:      `invalid duration "soon"`,
		`{"apis":{"status":42}}`:              "unknown status 42",
		`{"openAPI":{"body":"Beautiful"}}`:    `unknown body "Beautiful"`,
		`{"for":"everybody"}`:                 `unknown sender "everybody"`,
		`{"certificate":"handsomely forged"}`: `unknown certificate "handsomely forged"`,
		`{"initialEvents":"Dramatic"}`:        `unknown initial events "Dramatic"`,
		`{"list":{"status":42}}`:              "unknown status 42",
		`{"resources":[{"verbs":["get"]}]}`:   "a resource needs a name",
	} {
		answer := put(t, New(v1), behaviour)
		if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), words) {
			t.Errorf("%s gives %d and %q, want %q", behaviour, answer.Code, answer.Body, words)
		}
	}
}
