// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// TestUnusualValuesRenderValidObjects renders names that YAML could parse as numbers, labels that are set twice, and
// values that are null.
func TestUnusualValuesRenderValidObjects(t *testing.T) {
	for name, arguments := range map[string][]string{
		"namespaces that look like numbers": {
			"--namespace", "456", "--set-json", `serverNamespaces=["123","1e3","true","null"]`,
		},
		"names that look like numbers": {
			"--name-template", "123", "--set-string", "priorityClassName=1e3,podLabels.team=1,commonLabels.cost=2",
		},
		"labels that are set twice": {
			"--set", "commonLabels.release=all,metrics.serviceMonitor.enabled=true,metrics.serviceMonitor.labels.release=one," +
				"metrics.prometheusRule.enabled=true,metrics.prometheusRule.labels.release=one," +
				"metrics.dashboard.enabled=true,metrics.dashboard.labels.release=one,podLabels.release=one",
		},
		"values that are null": {
			"--set", "serverNamespaces=null,commonLabels=null,podLabels=null,resources=null,tolerations=null",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectStrict(t, run(t, "helm", append([]string{
				"template", "charts/extensionapi-operator", "--kube-version", "v1.36.3",
			}, arguments...)...))
		})
	}
}

// expectStrict rejects duplicate keys, and values in metadata that Kubernetes would not accept.
func expectStrict(t *testing.T, manifests []byte) {
	t.Helper()
	documents := apiyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		object := struct {
			metav1.TypeMeta `json:",inline"`
			Metadata        metav1.ObjectMeta `json:"metadata"`
		}{}
		var asJSON []byte
		if err == nil {
			asJSON, err = yaml.YAMLToJSONStrict(document)
		}
		if err == nil {
			err = json.Unmarshal(asJSON, &object)
		}
		if err != nil {
			t.Errorf("%v in:\n%s", err, document)
		}
	}
}
