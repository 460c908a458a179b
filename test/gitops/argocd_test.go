// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apiyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/report"
	"github.com/extensionapi/extensionapi-operator/test/docs"
	"github.com/extensionapi/extensionapi-operator/test/documented"
)

const (
	repository = "../.."
	document   = repository + "/docs/tasks/gitops.md"
)

// suite is health_test.yaml, in the format of Argo CD.
type suite struct {
	Tests []check `json:"tests"`
}

type check struct {
	HealthStatus Health `json:"healthStatus"`
	InputPath    string `json:"inputPath"`
}

// TestArgoCDsHealthCheckPassesItsTests runs what Argo CD's own tests would. WRITE_DOCS=1 writes the messages.
func TestArgoCDsHealthCheckPassesItsTests(t *testing.T) {
	script := script(t)
	var computed suite
	for _, path := range inputs(t) {
		health, err := HealthOf(readObject(t, path), script)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if name := filepath.Base(path); !strings.HasPrefix(name, strings.ToLower(health.Status)) {
			t.Errorf("the health of %s is %s: %s", name, health.Status, health.Message)
		}
		computed.Tests = append(computed.Tests, check{health, "testdata/" + filepath.Base(path)})
	}
	file := filepath.Join(repository, Checks, "health_test.yaml")
	if documented.Writing() {
		content, err := yaml.Marshal(computed)
		if err := errors.Join(err, os.WriteFile(file, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var wanted suite
	if err := yaml.UnmarshalStrict(read(t, file), &wanted); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(computed.Tests, wanted.Tests) {
		t.Errorf("the health check returns\n%+v\nwant\n%+v", computed.Tests, wanted.Tests)
	}
}

func TestArgoCDsHealthCheckSurvivesIncompleteObjects(t *testing.T) {
	script := script(t)
	for _, object := range []map[string]any{
		{},
		{"spec": map[string]any{}, "status": map[string]any{}},
		{"metadata": map[string]any{"generation": int64(1)}, "status": map[string]any{"conditions": []any{}}},
		{"status": map[string]any{"conditions": []any{map[string]any{"type": "Stalled", "status": "True"}}}},
	} {
		health, err := HealthOf(&unstructured.Unstructured{Object: object}, script)
		if err != nil || health.Status != "Progressing" {
			t.Errorf("the health of %v is %+v (%v)", object, health, err)
		}
	}
}

// TestArgoCDsHealthCheckNamesTheConditionsThatReadyDoesNotDependOn lets one condition after the other be False.
func TestArgoCDsHealthCheckNamesTheConditionsThatReadyDoesNotDependOn(t *testing.T) {
	script := script(t)
	named := 0
	for _, conditionType := range report.Found() {
		extensionAPI := &v1alpha1.ExtensionAPI{Status: statusWithout(conditionType)}
		if !meta.IsStatusConditionTrue(extensionAPI.Status.Conditions, v1alpha1.ConditionReady) {
			continue
		}
		named++
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(extensionAPI)
		if err != nil {
			t.Fatal(err)
		}
		content["metadata"] = map[string]any{"generation": extensionAPI.Status.ObservedGeneration}
		health, err := HealthOf(&unstructured.Unstructured{Object: content}, script)
		wanted := conditionType + " is False: it is broken"
		if err != nil || health.Status != "Healthy" || !strings.Contains(health.Message, wanted) {
			t.Errorf("while %s is False, the health is %+v (%v)", conditionType, health, err)
		}
	}
	if named == 0 {
		t.Error("Ready depends on every condition")
	}
}

// statusWithout is what the operator reports while one condition is False.
func statusWithout(conditionType string) (status v1alpha1.ExtensionAPIStatus) {
	findings := map[string]finding.Finding{}
	for _, other := range report.Found() {
		findings[other] = finding.Good(v1alpha1.ReasonReady, "it is fine")
	}
	findings[conditionType] = finding.Bad(v1alpha1.ReasonServerSlow, "it is broken", finding.Working)
	report.Conditions{Generation: 1, Findings: findings, Now: time.Now()}.WriteTo(&status)
	return status
}

func TestArgoCDsHealthCheckIsDocumented(t *testing.T) {
	described, err := docs.Read(document)
	if err != nil {
		t.Fatal(err)
	}
	const key = "resource.customizations.health.aggregation.extensionapi.dev_ExtensionAPI"
	for _, block := range described.Blocks {
		var configMap struct {
			Data map[string]string `json:"data"`
		}
		if block.Language == "yaml" && yaml.Unmarshal([]byte(block.Text), &configMap) == nil &&
			configMap.Data[key] == script(t) {
			return
		}
	}
	t.Errorf("%s has no ConfigMap argocd-cm with %s/health.lua as %s", document, Checks, key)
}

func script(t *testing.T) string {
	t.Helper()
	script, err := ReadScript(repository)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

// inputs returns the objects that the health check is tested with.
func inputs(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository, Checks, "testdata/*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no objects to test the health check with (%v)", err)
	}
	return paths
}

func readObject(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	// Numbers are integers, as in objects that are read from kube-apiserver.
	if err := apiyaml.Unmarshal(read(t, path), &object.Object); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return object
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
