// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Discovery is the discovery of each group-version, as the server answered it last.
type Discovery []metav1.APIResourceList

// OpenAPI is a server's OpenAPI, as it answered it last. What it does not serve is empty.
type OpenAPI struct {
	V2 json.RawMessage `json:"v2,omitempty"`
	// V3 are the documents of its group-versions, by group/version.
	V3 map[string]json.RawMessage `json:"v3,omitempty"`
}

// maxDecoded bounds what is decompressed, in bytes.
const maxDecoded = 8 << 20

// Encode compresses documents as JSON. The same documents always have the same encoding.
func Encode(documents any) ([]byte, error) {
	var compressed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&compressed, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(writer).Encode(documents); err != nil {
		return nil, err
	}
	err = writer.Close()
	return compressed.Bytes(), err
}

// Decode is the inverse of Encode.
func Decode(compressed []byte, documents any) error {
	reader, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return fmt.Errorf("decompressing stored documents: %w", err)
	}
	return json.NewDecoder(io.LimitReader(reader, maxDecoded)).Decode(documents)
}

// IsSafe reports whether nothing that Kubernetes does to the objects of a group-version depends on its server, so that
// requests for objects may fail. The namespace controller, the garbage collector and the quota controller act only on
// resources that advertise delete (k8s.io/kubernetes pkg/controller:
// namespace/deletion/namespaced_resources_deleter.go, garbagecollector/garbagecollector.go,
// resourcequota/resource_quota_controller.go).
func IsSafe(resources metav1.APIResourceList) bool {
	return len(resources.APIResources) > 0 &&
		!slices.ContainsFunc(resources.APIResources, func(resource metav1.APIResource) bool {
			return slices.Contains(resource.Verbs, "delete") || slices.Contains(resource.Verbs, "deletecollection")
		})
}

// GroupVersionOf returns the group-version of a list of resources, empty if it is invalid.
func GroupVersionOf(resources metav1.APIResourceList) schema.GroupVersion {
	groupVersion, err := schema.ParseGroupVersion(resources.GroupVersion)
	if err != nil {
		return schema.GroupVersion{}
	}
	return groupVersion
}
