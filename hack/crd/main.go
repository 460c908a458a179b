// SPDX-License-Identifier: Apache-2.0

// Command crd post-processes the CRD from controller-gen, from standard input to standard output. It removes the
// descriptions of the embedded Pod template, as the CRD would exceed the 262,144 bytes of kubectl apply's annotation,
// and bounds the lists that CEL rules iterate over, as the rules would exceed the API server's cost limit.
package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// Bounds on the Pod template's lists, far above what a server needs.
const (
	maxContainers  = 32
	maxPorts       = 64
	maxArguments   = 512
	maxNameLength  = 63
	maxImageLength = 4096
)

const (
	// quantityPattern is the schema's pattern for resource.Quantity. It allows exponents that the Go type cannot parse.
	quantityPattern = `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|` +
		`([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`
	decodableQuantityPattern = `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|` +
		`([eE](\+|-)?[0-9]{1,2}))?$`
	// maxExactInteger is the largest integer that the schema's floating point bounds represent exactly.
	maxExactInteger = 1<<53 - 1
)

type schema = apiextensionsv1.JSONSchemaProps

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
		root := crd.Spec.Versions[i].Schema.OpenAPIV3Schema
		if err := errors.Join(
			editIn(root, finishTemplate, "spec", "server", "template"),
			editIn(root, finishItems, "spec", "controllers"),
		); err != nil {
			return err
		}
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

func finishItems(list *schema) error { return editIn(list.Items.Schema, finishTemplate, "template") }

func finishTemplate(template *schema) error {
	description := template.Description
	eachSchema(template, stripDescription)
	template.Description = description
	eachSchema(template, boundNumbers)
	return errors.Join(
		editIn(template, boundContainers, "spec", "containers"),
		editIn(template, boundContainers, "spec", "initContainers"),
		editIn(template, maxLength(maxNameLength), "spec", "restartPolicy"),
	)
}

func boundContainers(containers *schema) error {
	containers.MaxItems = ptr.To[int64](maxContainers)
	container := containers.Items.Schema
	return errors.Join(
		editIn(container, boundPorts, "ports"),
		editIn(container, maxItems(maxArguments), "command"),
		editIn(container, maxItems(maxArguments), "args"),
		editIn(container, maxLength(maxNameLength), "name"),
		editIn(container, maxLength(maxImageLength), "image"),
	)
}

func boundPorts(ports *schema) error {
	return errors.Join(maxItems(maxPorts)(ports), editIn(ports.Items.Schema, maxLength(maxNameLength), "name"))
}

func maxItems(count int64) func(*schema) error {
	return func(s *schema) error { s.MaxItems = &count; return nil }
}

func maxLength(length int64) func(*schema) error {
	return func(s *schema) error { s.MaxLength = &length; return nil }
}

// editIn changes the property at path below s.
func editIn(s *schema, edit func(*schema) error, path ...string) error {
	if len(path) == 0 {
		return edit(s)
	}
	child, found := s.Properties[path[0]]
	if !found {
		return fmt.Errorf("the schema has no property %q; has the Pod template changed?", path[0])
	}
	err := editIn(&child, edit, path[1:]...)
	s.Properties[path[0]] = child
	return err
}

func stripDescription(s *schema) { s.Description = "" }

// boundNumbers rejects numbers that the Go types cannot represent: one object that cannot be decoded would stop the
// operator's watch of all objects.
func boundNumbers(s *schema) {
	switch {
	case s.Pattern == quantityPattern:
		s.Pattern = decodableQuantityPattern
	case s.Type == "integer" && s.Format == "int64":
		bound(s, maxExactInteger)
	case s.Type == "integer", s.XIntOrString && s.Pattern == "":
		bound(s, math.MaxInt32)
	}
}

func bound(s *schema, largest float64) {
	if s.Maximum == nil {
		s.Maximum = &largest
	}
	if s.Minimum == nil {
		s.Minimum = new(-largest)
	}
}

// eachSchema edits s and everything below it.
func eachSchema(s *schema, edit func(*schema)) {
	edit(s)
	for name, child := range s.Properties {
		eachSchema(&child, edit)
		s.Properties[name] = child
	}
	if s.Items != nil && s.Items.Schema != nil {
		eachSchema(s.Items.Schema, edit)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		eachSchema(s.AdditionalProperties.Schema, edit)
	}
}
