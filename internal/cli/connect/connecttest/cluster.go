// SPDX-License-Identifier: Apache-2.0

// Package connecttest has a cluster for tests.
package connecttest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

// Cluster returns a cluster of which a handler stands for kube-apiserver.
func Cluster(tb testing.TB, handler http.Handler) *connect.Cluster {
	tb.Helper()
	server := httptest.NewTLSServer(handler)
	tb.Cleanup(server.Close)
	cluster, err := connect.With(&rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		tb.Fatal(err)
	}
	return cluster
}

var decoder = serializer.NewCodecFactory(kinds.Scheme()).UniversalDeserializer()

// Permitting answers reviews of the user's own permissions: everything is permitted but these verbs.
func Permitting(next http.Handler, denied ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		review := &authorizationv1.SelfSubjectAccessReview{}
		if err == nil { // it comes as protobuf
			_, _, err = decoder.Decode(body, nil, review)
		}
		if err != nil || review.Spec.ResourceAttributes == nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		review.TypeMeta = metav1.TypeMeta{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"}
		review.Status.Allowed = !slices.Contains(denied, review.Spec.ResourceAttributes.Verb)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(review)
	})
}
