// SPDX-License-Identifier: Apache-2.0

// Package chart_test tests the objects that the Helm chart installs.
package chart_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	operator     = "extensionapi-operator"
	operatorRole = "ClusterRole " + operator
	// uninstallCheck and installationCheck are Helm hooks, which the kustomization does not have.
	uninstallCheck    = "Job " + namespace + "/" + operator + "-uninstall-check"
	installationCheck = "Pod " + namespace + "/" + operator + "-installation-check"
	crdFile           = "aggregation.extensionapi.dev_extensionapis.yaml"
)

func TestChartAndKustomizationInstallTheSameObjects(t *testing.T) {
	chart, kustomization := renderChart(t, "--set", "crds.keep=false"), renderKustomization(t)
	// Generated in one, grouped by purpose in the other; their permissions are compared in another test.
	for id := range generatedRoles(t) {
		delete(chart, id)
		delete(kustomization, id)
	}
	maps.DeleteFunc(chart, func(id string, _ unstructured.Unstructured) bool {
		return strings.Contains(id, "uninstall-check") || strings.Contains(id, "installation-check")
	})
	for id, wanted := range chart {
		if found := kustomization[id]; !reflect.DeepEqual(wanted, found) {
			t.Errorf("%s differs\nchart:\n%s\nconfig/default:\n%s", id, toYAML(t, wanted.Object), toYAML(t, found.Object))
		}
	}
	for id := range kustomization {
		if _, found := chart[id]; !found && id != "Namespace "+namespace {
			t.Errorf("%s is in config/default but not in the chart", id)
		}
	}
}

func TestChartContainsTheGeneratedCRD(t *testing.T) {
	read := func(directory string) string {
		content, err := os.ReadFile(filepath.Join(root, directory, crdFile))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if read("charts/extensionapi-operator/files") != read("config/crd/bases") {
		t.Error("the chart's CRD differs from config/crd/bases: run 'make generate'")
	}
}

func TestValuesReachTheDeployment(t *testing.T) {
	objects := renderChart(t, "--set", "image.repository=registry.example.com/operator,image.tag=v9,replicas=3",
		"--set", "image.pullPolicy=Always,logLevel=debug,resources.requests.cpu=1,podAnnotations.example=yes",
		"--set", "logFormat=console,extraArgs={--workers=2},extraEnv[0].name=NO_PROXY,extraEnv[0].value=.svc",
		"--set", "hostNetwork=true,dnsPolicy=Default,podSecurityContext.runAsUser=null,securityContext.privileged=false")
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
		"logFormat":        slices.Contains(container.Args, "--zap-encoder=console"),
		"extraArgs":        container.Args[len(container.Args)-1] == "--workers=2",
		"extraEnv":         slices.Contains(container.Env, corev1.EnvVar{Name: "NO_PROXY", Value: ".svc"}),
		"hostNetwork":      template.Spec.HostNetwork,
		"dnsPolicy":        template.Spec.DNSPolicy == corev1.DNSDefault,
		"podSecurityContext": template.Spec.SecurityContext.RunAsUser == nil &&
			*template.Spec.SecurityContext.RunAsNonRoot,
		"securityContext": !*container.SecurityContext.Privileged && *container.SecurityContext.ReadOnlyRootFilesystem,
	} {
		if !reached {
			t.Errorf("the value %s does not reach the Deployment", what)
		}
	}
}
