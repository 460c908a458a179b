// SPDX-License-Identifier: Apache-2.0

// Package chart_test checks what the Helm chart installs.
package chart_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

const (
	operator     = "extensionapi-operator"
	operatorRole = "ClusterRole " + operator
	crdFile      = "aggregation.extensionapi.dev_extensionapis.yaml"
)

func TestChartAndKustomizationInstallTheSame(t *testing.T) {
	chart, kustomization := renderChart(t), renderKustomization(t)
	// Generated in one, grouped by purpose in the other; compared right by right below.
	delete(chart, operatorRole)
	delete(kustomization, operatorRole)
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
	if read("charts/extensionapi-operator/crds") != read("config/crd/bases") {
		t.Error("the chart's CRD is not that of config/crd/bases: run 'make generate'")
	}
}

func TestOperatorHasTheRightsThatItsMarkersAskFor(t *testing.T) {
	chart := get[rbacv1.ClusterRole](t, renderChart(t), operatorRole)
	generated := get[rbacv1.ClusterRole](t, readObjects(t, "config/rbac/role.yaml"), operatorRole)
	has, needs := rights(chart.Rules), rights(generated.Rules)
	for right := range has {
		if !needs[right] {
			t.Errorf("the chart allows %q, which no marker in controllers/ asks for", right)
		}
	}
	for right := range needs {
		if !has[right] {
			t.Errorf("the chart does not allow %q, which a marker in controllers/ asks for", right)
		}
	}
}

func TestNoRuleHasAWildcard(t *testing.T) {
	for id, object := range renderChart(t) {
		if rules := toYAML(t, object.Object["rules"]); strings.Contains(rules, "*") {
			t.Errorf("%s has a wildcard:\n%s", id, rules)
		}
	}
}

func TestOnlyTheOperatorHasRights(t *testing.T) {
	for id, object := range renderChart(t) {
		var binding struct{ Subjects []rbacv1.Subject }
		convert(t, object, &binding)
		for _, subject := range binding.Subjects {
			if subject.Kind != rbacv1.ServiceAccountKind || subject.Name != operator {
				t.Errorf("%s gives rights to %s %s, who is not the operator", id, subject.Kind, subject.Name)
			}
		}
	}
}

func TestOperatorPodIsRestricted(t *testing.T) {
	pod := get[appsv1.Deployment](t, renderChart(t), "Deployment "+namespace+"/"+operator).Spec.Template.Spec
	yes, no, user := true, false, int64(65532)
	wantPod := &corev1.PodSecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &user, RunAsGroup: &user,
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	wantContainer := &corev1.SecurityContext{
		AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	if !reflect.DeepEqual(pod.SecurityContext, wantPod) {
		t.Errorf("the Pod's security context is %v, not %v", pod.SecurityContext, wantPod)
	}
	for _, container := range pod.Containers {
		if !reflect.DeepEqual(container.SecurityContext, wantContainer) {
			t.Errorf("the security context of %s is %v, not %v", container.Name, container.SecurityContext, wantContainer)
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

// rights writes rules out, one string for each thing that they allow.
func rights(rules []rbacv1.PolicyRule) map[string]bool {
	result := map[string]bool{}
	for _, rule := range rules {
		names := rule.ResourceNames
		if names == nil {
			names = []string{"any"}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					for _, verb := range rule.Verbs {
						result[fmt.Sprintf("%s %s of %s in group %q", verb, name, resource, group)] = true
					}
				}
			}
		}
	}
	return result
}
