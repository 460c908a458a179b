// SPDX-License-Identifier: Apache-2.0

// Package chart_test checks what the Helm chart installs.
package chart_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

const (
	operator     = "extensionapi-operator"
	operatorRole = "ClusterRole " + operator
	// uninstallCheck is a hook, which only Helm knows.
	uninstallCheck = "Job " + namespace + "/" + operator + "-uninstall-check"
	crdFile        = "aggregation.extensionapi.dev_extensionapis.yaml"
)

func TestChartAndKustomizationInstallTheSame(t *testing.T) {
	chart, kustomization := renderChart(t, "--set", "crds.keep=false"), renderKustomization(t)
	// Generated in one, grouped by purpose in the other; compared right by right below.
	delete(chart, operatorRole)
	delete(kustomization, operatorRole)
	delete(chart, uninstallCheck)
	for id, wanted := range chart {
		if found := kustomization[id]; !reflect.DeepEqual(wanted, found) {
			t.Errorf("%s differs\nchart:\n%s\nconfig/default:\n%s", id, toYAML(t, wanted.Object), toYAML(t, found.Object))
		}
	}
	for id := range kustomization {
		if _, found := chart[id]; !found && id != "Namespace "+namespace {
			t.Errorf("%s is in config/default and not in the chart", id)
		}
	}
}

func TestChartHasTheGeneratedCRD(t *testing.T) {
	read := func(directory string) string {
		content, err := os.ReadFile(filepath.Join(root, directory, crdFile))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if read("charts/extensionapi-operator/files") != read("config/crd/bases") {
		t.Error("the chart's CRD is not that of config/crd/bases: run 'make generate'")
	}
}

func TestOperatorsPodsAreRestricted(t *testing.T) {
	chart := renderChart(t)
	yes, no, user := true, false, int64(65532)
	wantPod := &corev1.PodSecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &user, RunAsGroup: &user,
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	wantContainer := &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	for _, pod := range []corev1.PodSpec{
		get[appsv1.Deployment](t, chart, "Deployment "+namespace+"/"+operator).Spec.Template.Spec,
		get[batchv1.Job](t, chart, uninstallCheck).Spec.Template.Spec,
	} {
		if !reflect.DeepEqual(pod.SecurityContext, wantPod) {
			t.Errorf("the Pod's security context is %v, not %v", pod.SecurityContext, wantPod)
		}
		for _, container := range pod.Containers {
			if !reflect.DeepEqual(container.SecurityContext, wantContainer) {
				t.Errorf("the security context of %s is %v, not %v", container.Name, container.SecurityContext, wantContainer)
			}
		}
	}
}

func TestValuesReachTheDeployment(t *testing.T) {
	objects := renderChart(t, "--set", "image.repository=registry.example.com/operator,image.tag=v9,replicas=3",
		"--set", "image.pullPolicy=Always,logLevel=debug,resources.requests.cpu=1,podAnnotations.example=yes")
	deployment := get[appsv1.Deployment](t, objects, "Deployment "+namespace+"/"+operator)
	template := deployment.Spec.Template
	container := template.Spec.Containers[0]
	for what, reached := range map[string]bool{
		"image":            container.Image == "registry.example.com/operator:v9",
		"image.pullPolicy": container.ImagePullPolicy == corev1.PullAlways,
		"replicas":         *deployment.Spec.Replicas == 3,
		"logLevel":         slices.Contains(container.Args, "--zap-log-level=debug"),
		"resources":        container.Resources.Requests.Cpu().Value() == 1,
		"podAnnotations":   template.Annotations["example"] == "yes",
	} {
		if !reached {
			t.Errorf("the value %s does not reach the Deployment", what)
		}
	}
}
