// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

// openAPI is the part of an OpenAPI v3 document that describes the creation of objects.
type openAPI struct {
	Paths      map[string]openAPIPath `json:"paths"`
	Components struct {
		Schemas map[string]openAPISchema `json:"schemas"`
	} `json:"components"`
}

type openAPIPath struct {
	Get        *openAPIOperation  `json:"get"`
	Post       *openAPIOperation  `json:"post"`
	Delete     *openAPIOperation  `json:"delete"`
	Parameters []openAPIParameter `json:"parameters"`
}

type openAPIOperation struct {
	Parameters  []openAPIParameter      `json:"parameters"`
	Kind        schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
	RequestBody struct {
		Content map[string]struct {
			Schema openAPISchema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type openAPIParameter struct {
	Name string `json:"name"`
	In   string `json:"in"`
}

type openAPISchema struct {
	Ref        string                   `json:"$ref"`
	AllOf      []openAPISchema          `json:"allOf"`
	Type       string                   `json:"type"`
	Format     string                   `json:"format"`
	Default    any                      `json:"default"`
	Enum       []any                    `json:"enum"`
	Minimum    float64                  `json:"minimum"`
	Required   []string                 `json:"required"`
	Properties map[string]openAPISchema `json:"properties"`
}

func readOpenAPI(body io.Reader) (document openAPI, err error) {
	err = json.NewDecoder(io.LimitReader(body, limits.OpenAPI.Bytes)).Decode(&document)
	return document, err
}

// creation returns how an object is created that can be looked at, and deleted if it was stored; nil if the document
// does not say so.
func (d openAPI) creation(resource objects.Resource) *openAPIOperation {
	path := "/apis/" + resource.GroupVersion.String() + "/"
	if resource.Namespaced {
		path += "namespaces/{namespace}/"
	}
	path += resource.Name
	collection, object := d.Paths[path], d.Paths[path+"/{name}"]
	if collection.Post == nil || object.Get == nil || object.Delete == nil {
		return nil
	}
	operation := *collection.Post
	operation.Parameters = slices.Concat(operation.Parameters, collection.Parameters)
	return &operation
}

// knowsDryRun reports whether the server knows the parameter, as kubectl finds out before a dry run.
func (o *openAPIOperation) knowsDryRun() bool {
	return slices.Contains(o.Parameters, openAPIParameter{Name: "dryRun", In: "query"})
}

// maxDepth bounds the objects that are derived from a schema.
const maxDepth = 8

// smallest returns the smallest object that has all required fields, without metadata.
func (d openAPI) smallest(operation *openAPIOperation) map[string]any {
	for _, content := range operation.RequestBody.Content {
		if object, isObject := d.example(content.Schema, maxDepth).(map[string]any); isObject {
			return object
		}
	}
	return map[string]any{}
}

// example returns a value that a schema permits, as far as it says.
func (d openAPI) example(of openAPISchema, depth int) any {
	of = d.resolved(of)
	if isSet(of.Default) {
		return of.Default
	}
	if len(of.Enum) > 0 {
		return of.Enum[0]
	}
	switch of.Type {
	case "object":
		return d.exampleObject(of, depth)
	case "array":
		return []any{}
	case "integer", "number":
		return of.Minimum
	case "boolean":
		return false
	case "string":
		return exampleText(of.Format)
	default:
		return nil
	}
}

// isSet reports whether a default says something: that of a reference to an object is often an empty object.
func isSet(value any) bool {
	object, isObject := value.(map[string]any)
	return value != nil && (!isObject || len(object) > 0)
}

func exampleText(format string) string {
	if format == "date-time" {
		return "2026-01-01T00:00:00Z"
	}
	return "check"
}

func (d openAPI) exampleObject(of openAPISchema, depth int) map[string]any {
	object := map[string]any{}
	for _, name := range of.Required {
		if depth > 0 && name != "metadata" {
			object[name] = d.example(of.Properties[name], depth-1)
		}
	}
	return object
}

// resolved follows references, which may go round in a circle.
func (d openAPI) resolved(of openAPISchema) openAPISchema {
	for range maxDepth {
		switch {
		case of.Ref != "":
			of = d.Components.Schemas[strings.TrimPrefix(of.Ref, "#/components/schemas/")]
		case len(of.AllOf) == 1 && of.Type == "":
			of = of.AllOf[0]
		default:
			return of
		}
	}
	return of
}
