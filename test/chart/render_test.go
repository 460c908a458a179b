// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apiyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const (
	root      = "../.."
	namespace = "extensionapi-system"
)

// objects maps "Kind namespace/name" to objects without their labels.
type objects map[string]unstructured.Unstructured

func renderChart(t *testing.T, arguments ...string) objects {
	t.Helper()
	return parse(t, render(t, "helm", arguments...))
}

// render returns the manifests that a version of Helm renders for a supported version of Kubernetes.
func render(t *testing.T, helm string, arguments ...string) []byte {
	t.Helper()
	return run(t, helm, append(templateCommand(), arguments...)...)
}

func templateCommand() []string {
	return []string{
		"template", operator, "charts/extensionapi-operator", "--namespace", namespace, "--kube-version", "v1.36.3",
	}
}

func renderKustomization(t *testing.T) objects {
	t.Helper()
	return parse(t, run(t, "kustomize", "build", "config/default"))
}

func readObjects(t *testing.T, path string) objects {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, content)
}

// run returns the output of a tool.
func run(t *testing.T, tool string, arguments ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), filepath.Join("bin/tools", tool), arguments...)
	command.Dir = root
	var problem bytes.Buffer
	command.Stderr = &problem
	noteInputs(t)
	output, err := command.Output()
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("bin/tools/%s is missing: run 'make bin/tools/%s'", tool, tool)
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, problem.String())
	}
	return output
}

// noteInputs reads the directories that the tools read, so that Go does not reuse a cached test result when a file in
// them has changed.
func noteInputs(t *testing.T) {
	t.Helper()
	for _, directory := range []string{"charts", "config"} {
		err := filepath.WalkDir(filepath.Join(root, directory), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func parse(t *testing.T, manifests []byte) objects {
	t.Helper()
	result := objects{}
	decoder := apiyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifests), 4096)
	for {
		object := unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return result
		}
		if err != nil {
			t.Fatal(err)
		}
		if object.Object != nil {
			object.SetLabels(nil)
			result[identify(object)] = object
		}
	}
}

func identify(object unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}

// get returns the object with the id.
func get[T any](t *testing.T, from objects, id string) T {
	t.Helper()
	object, found := from[id]
	if !found {
		t.Fatalf("there is no %s", id)
	}
	var result T
	convert(t, object, &result)
	return result
}

func convert(t *testing.T, object unstructured.Unstructured, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(toYAML(t, object.Object)), into); err != nil {
		t.Fatal(err)
	}
}

func toYAML(t *testing.T, value any) string {
	t.Helper()
	result, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(result)
}
