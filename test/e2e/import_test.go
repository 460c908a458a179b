// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// sampleAPIService is one of the two of the sample; the other one is imported with it.
const sampleAPIService = "v1beta1." + flunderGroup

// It is not parallel to other tests, which use the sample's group.
func TestImportedServersAreAdoptedWithoutAFailedRequest(t *testing.T) {
	written := writtenByHand(t, drainingWardle(t, sampleNamespace))
	t.Run("applied by hand", func(t *testing.T) {
		t.Cleanup(func() { deleteByHand(t, written) })
		applyByHand(t, written...)
		adoptImported(t)
	})
	t.Run("of a Helm release", func(t *testing.T) {
		onlyLong(t)
		chart := chartOf(t, written)
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			if _, err := helmRelease(ctx, "uninstall", "by-helm", "--ignore-not-found"); err != nil {
				t.Error(err)
			}
			deleteByHand(t, written) // waits until they are gone
		})
		if _, err := helmRelease(t.Context(), "install", "by-helm", chart, "--wait"); err != nil {
			t.Fatal(err)
		}
		adoptImported(t)
	})
}

// helmRelease runs Helm in the sample's namespace.
func helmRelease(ctx context.Context, args ...string) (string, error) {
	return output(ctx, "bin/tools/helm", append(args, "--namespace", sampleNamespace, "--kubeconfig", kubeconfig)...)
}

// adoptImported imports what serves the sample's group, and adopts it under load.
func adoptImported(t *testing.T) {
	t.Helper()
	eventually(t, time.Minute, readyPods(byHandLabel, 2))
	eventually(t, time.Minute, served("v1beta1", "v1alpha1"))
	before := uidOf(t, sampleAPIService)
	extensionAPI, file := imported(t, "imported", sampleAPIService, "--adopt")
	deleteLater(t, file, extensionAPI)
	end := lossless(t) // its objects are deleted before the API
	applyFile(t, file, extensionAPI)
	t.Logf("adopted after %s", eventually(t, 2*time.Minute, ready(extensionAPI)))
	end()
	if uidOf(t, sampleAPIService) != before {
		t.Error("the APIService was recreated")
	}
	if out, code, err := runPlugin(t.Context(), "diff", extensionAPI.Name); err != nil || code != 0 {
		t.Errorf("diff after the adoption: exit code %d, %v\n%s", code, err, out)
	}
}

// imported writes what kubectl extensionapi import writes to a file.
func imported(
	t *testing.T, name, apiService string, flags ...string,
) (extensionAPI *v1alpha1.ExtensionAPI, file string) {
	t.Helper()
	out, code, err := runPlugin(t.Context(), append([]string{"import", apiService, "--name", name}, flags...)...)
	if err != nil || code != 0 {
		t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
	file = filepath.Join(t.TempDir(), "imported.yaml")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Log(out)
	return &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: name}}, file
}

// chartOf writes a Helm chart with the manifests.
func chartOf(t *testing.T, manifests []*unstructured.Unstructured) (directory string) {
	t.Helper()
	var templates bytes.Buffer
	for _, manifest := range manifests {
		content, err := yaml.Marshal(manifest.Object)
		if err != nil {
			t.Fatal(err)
		}
		templates.WriteString("---\n")
		templates.Write(content)
	}
	directory = t.TempDir()
	for file, content := range map[string][]byte{
		"Chart.yaml":               []byte("apiVersion: v2\nname: by-helm\nversion: 0.1.0\n"),
		"templates/manifests.yaml": templates.Bytes(),
	} {
		path := filepath.Join(directory, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}
