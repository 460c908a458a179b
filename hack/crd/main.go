// SPDX-License-Identifier: Apache-2.0

// Command crd finishes the CRD that controller-gen made, from standard input to standard output. The embedded Pod
// template loses its descriptions, or the CRD would not fit into the 262,144 bytes of kubectl apply's annotation, and
// its lists that CEL rules walk get a bound, or the rules would exceed the API server's cost limit.
package main

import (
	"fmt"
	"io"
	"os"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// Bounds of the Pod template's lists, far above what a server needs.
const (
	maxContainers = 32
	maxPorts      = 64
	maxTextLength = 4096
)

func main() {
	if err := finish(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crd:", err)
		os.Exit(1)
	}
}

func finish(in io.Reader, out io.Writer) error {
	source, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(source, crd); err != nil {
		return err
	}
	for i := range crd.Spec.Versions {
		editIn(crd.Spec.Versions[i].Schema.OpenAPIV3Schema, finishTemplate, "spec", "server", "template")
	}
	result, err := yaml.Marshal(struct {
		APIVersion string                                       `json:"apiVersion"`
		Kind       string                                       `json:"kind"`
		Metadata   any                                          `json:"metadata"`
		Spec       apiextensionsv1.CustomResourceDefinitionSpec `json:"spec"`
	}{crd.APIVersion, crd.Kind, crd.ObjectMeta, crd.Spec})
	if err != nil {
		return err
	}
	_, err = out.Write(append([]byte("---\n"), result...))
	return err
}

func finishTemplate(template *apiextensionsv1.JSONSchemaProps) {
	description := template.Description
	stripDescriptions(template)
	template.Description = description
	editIn(template, boundContainers, "spec", "containers")
	editIn(template, func(s *apiextensionsv1.JSONSchemaProps) { s.MaxLength = ptr.To[int64](16) }, "spec", "restartPolicy")
}

func boundContainers(containers *apiextensionsv1.JSONSchemaProps) {
	containers.MaxItems = ptr.To[int64](maxContainers)
	container := containers.Items.Schema
	editIn(container, func(s *apiextensionsv1.JSONSchemaProps) { s.MaxItems = ptr.To[int64](maxPorts) }, "ports")
	editIn(container, func(s *apiextensionsv1.JSONSchemaProps) { s.MaxLength = ptr.To[int64](63) }, "name")
	editIn(container, func(s *apiextensionsv1.JSONSchemaProps) { s.MaxLength = ptr.To[int64](maxTextLength) }, "image")
}

// editIn changes the property at path below schema; a path that does not exist is a mistake of this program.
func editIn(schema *apiextensionsv1.JSONSchemaProps, edit func(*apiextensionsv1.JSONSchemaProps), path ...string) {
	if len(path) == 0 {
		edit(schema)
		return
	}
	child, found := schema.Properties[path[0]]
	if !found {
		panic(fmt.Sprintf("the schema has no property %q", path[0]))
	}
	editIn(&child, edit, path[1:]...)
	schema.Properties[path[0]] = child
}

func stripDescriptions(schema *apiextensionsv1.JSONSchemaProps) {
	schema.Description = ""
	for name, child := range schema.Properties {
		stripDescriptions(&child)
		schema.Properties[name] = child
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		stripDescriptions(schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		stripDescriptions(schema.AdditionalProperties.Schema)
	}
}
