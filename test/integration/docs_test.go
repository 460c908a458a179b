// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/docs"
)

// TestExtensionAPIsInDocsAreValid validates them with kube-apiserver, including unknown fields, in a dry run.
func TestExtensionAPIsInDocsAreValid(t *testing.T) {
	t.Parallel()
	documents, err := docs.ReadAll(repository)
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, document := range documents {
		for _, block := range document.Blocks {
			if block.Language != "yaml" || !strings.Contains(block.Text, "apiVersion: "+v1alpha1.GroupVersion.String()) {
				continue
			}
			judged++
			if err := judge(block.Text); err != nil {
				t.Errorf("%s: %v:\n%s", document.Path, err, block.Text)
			}
		}
	}
	if judged == 0 {
		t.Error("the docs contain no ExtensionAPI")
	}
}

// judge returns an error if the API server would reject the ExtensionAPIs among the objects.
func judge(manifests string) error {
	strict := client.WithFieldValidation(plane.client, "Strict")
	for manifest := range strings.SplitSeq(manifests, "\n---\n") {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
			return err
		}
		if object.GetAPIVersion() != v1alpha1.GroupVersion.String() {
			continue
		}
		// Other tests have ExtensionAPIs with names in the docs.
		object.SetName("in-the-docs")
		if err := strict.Create(ctx, object, client.DryRunAll); err != nil {
			return fmt.Errorf("the API server would reject it: %w", err)
		}
	}
	return nil
}
