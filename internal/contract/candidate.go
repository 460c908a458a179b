// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

// candidate is an object to create in a dry run.
type candidate struct {
	resource objects.Resource
	object   *unstructured.Unstructured
	// source says what it was derived from.
	source string
}

const (
	// namePrefix and randomLength are of the names of what is created.
	namePrefix   = "kubectl-extensionapi-"
	randomLength = 10

	fromObject  = "a copy of an object that exists"
	fromOpenAPI = "the smallest object that OpenAPI permits"
	// maxObjects is how many bytes of a list of one object are read.
	maxObjects = 8 << 20
)

func newName() string { return namePrefix + rand.String(randomLength) }

// path is that of the collection of the object.
func (c candidate) path() string {
	path := "/apis/" + c.resource.GroupVersion.String()
	if c.resource.Namespaced {
		path += "/namespaces/" + c.object.GetNamespace()
	}
	return path + "/" + c.resource.Name
}

// candidate derives an object from one that exists, or else from OpenAPI.
func (t *tester) candidate(
	ctx context.Context, document openAPI, operation *openAPIOperation, resource objects.Resource,
) candidate {
	found := candidate{resource: resource, source: fromObject, object: t.existing(ctx, resource)}
	if found.object == nil {
		found.source, found.object = fromOpenAPI, &unstructured.Unstructured{Object: document.smallest(operation)}
	}
	found.object.SetGroupVersionKind(resource.GroupVersion.WithKind(operation.Kind.Kind))
	found.object.SetName(newName())
	if resource.Namespaced && found.object.GetNamespace() == "" {
		found.object.SetNamespace(metav1.NamespaceDefault)
	}
	return found
}

// existing returns what a copy of the first object needs, nil if there is none, or it cannot be read.
func (t *tester) existing(ctx context.Context, resource objects.Resource) (copied *unstructured.Unstructured) {
	var list struct {
		Items []map[string]any `json:"items"`
	}
	err := t.request(ctx, t.path("/"+resource.Name+"?limit=1"), accept("application/json"),
		func(response *http.Response) error {
			if err := expectOK(response); err != nil {
				return err
			}
			return json.NewDecoder(io.LimitReader(response.Body, maxObjects)).Decode(&list)
		})
	if err != nil || len(list.Items) == 0 {
		return nil
	}
	return copyOf(list.Items[0])
}

// copyOf leaves out what a server sets.
func copyOf(existing map[string]any) *unstructured.Unstructured {
	original := &unstructured.Unstructured{Object: existing}
	copied := &unstructured.Unstructured{Object: map[string]any{}}
	for field, value := range existing {
		if field != "metadata" && field != "status" {
			copied.Object[field] = value
		}
	}
	copied.SetNamespace(original.GetNamespace())
	copied.SetLabels(original.GetLabels())
	return copied
}
