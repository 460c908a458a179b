// SPDX-License-Identifier: Apache-2.0

// Package installation prepares a kube-apiserver without nodes for the operator: it may send requests to extension API
// servers, and has what the chart and the kustomization install, except the operator itself.
package installation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Files returns the manifests in the directory config that the operator needs to run, and to run servers, and its
// admission policies.
func Files(config string) []string {
	var files []string
	for _, name := range []string{
		"rbac/role", "rbac/operator_role", "rbac/operator_serviceaccount", "rbac/operator_authreader",
		"rbac/prober_serviceaccount", "rbac/server_clusterrole", "rbac/metrics_reader_clusterrole", "rbac/object_reader",
		"rbac/user_clusterroles",
		"admission/operator_policy", "admission/owner_policy", "admission/rights_policy", "admission/warnings_policy",
	} {
		files = append(files, filepath.Join(config, name+".yaml"))
	}
	return files
}

// CreateFiles creates the objects of Files, in the namespace unless they name another one.
func CreateFiles(ctx context.Context, c client.Client, config, namespace string) error {
	for _, file := range Files(config) {
		content, err := os.ReadFile(file) //nolint:gosec // the caller names the directory
		if err == nil {
			err = Create(ctx, c, bytes.NewReader(content), namespace)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// Create creates the objects of manifests, in the namespace unless they name another one.
func Create(ctx context.Context, c client.Client, manifests io.Reader, namespace string) error {
	decoder := yaml.NewYAMLOrJSONDecoder(manifests, 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		namespaced, err := c.IsObjectNamespaced(object)
		if err != nil {
			return err
		}
		if namespaced && object.GetNamespace() == "" {
			object.SetNamespace(namespace)
		}
		if err := c.Create(ctx, object); err != nil {
			return err
		}
	}
}
