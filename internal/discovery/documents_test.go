// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// lasting is a token that never expires.
type lasting string

func (t lasting) Token(context.Context) (string, error)           { return string(t), nil }
func (t lasting) Replace(context.Context, string) (string, error) { return string(t), nil }

// targetAt is a target with a replica for each server.
func targetAt(servers ...*httptest.Server) Target {
	target := Target{
		GroupVersions: []schema.GroupVersion{groupVersion}, ServerName: "example.com", Policy: testPolicy,
	}
	for _, server := range servers {
		target.CABundle = append(target.CABundle,
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})...)
		target.Replicas = append(target.Replicas, Replica{
			Endpoint: endpoints.Endpoint{Address: strings.TrimPrefix(server.URL, "https://")},
		})
	}
	return target
}

func TestDocumentsAreReadFromTheFirstReplicaThatAnswers(t *testing.T) {
	failing, _ := serve(t, answering(http.StatusInternalServerError, ""))
	documents := map[string]string{
		"/apis/wardle.example.com/v1":            goodAnswer,
		"/openapi/v3/apis/wardle.example.com/v1": `{ "openapi": "3.0.0" }`,
	}
	good, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer prober" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		document, found := documents[r.URL.Path]
		if !found {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(document))
	})
	prober := &Prober{clock: clock.RealClock{}, tokens: lasting("prober")}
	read, err := prober.Documents(t.Context(), targetAt(failing, good))
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Discovery) != 1 || read.Discovery[0].APIResources[0].Name != "flunders" || len(read.OpenAPIV2) > 0 ||
		string(read.OpenAPIV3["wardle.example.com/v1"]) != `{"openapi":"3.0.0"}` {
		t.Errorf("read %+v", read)
	}
}

func TestDocumentsThatAreNotDiscoveryAreAnError(t *testing.T) {
	for name, test := range map[string]struct{ body, words string }{
		"another group-version": {strings.ReplaceAll(goodAnswer, "v1\"", "v2\""), "another group-version"},
		"no JSON":               {"<html>", "no valid JSON"},
		"no list":               {`{"resources":1}`, "no valid APIResourceList"},
		"too much":              {`"` + strings.Repeat("a", limits.StoredDocument) + `"`, "more than 1024 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := serve(t, answering(http.StatusOK, test.body))
			prober := &Prober{clock: clock.RealClock{}, tokens: lasting("prober")}
			_, err := prober.Documents(t.Context(), targetAt(server))
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("the error is %v, want %q", err, test.words)
			}
		})
	}
	if _, err := (&Prober{clock: clock.RealClock{}, tokens: lasting("")}).Documents(t.Context(), Target{}); err == nil {
		t.Error("without a replica there is no error")
	}
}
