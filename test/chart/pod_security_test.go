// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func TestPodsOfTheChartMeetTheRestrictedStandard(t *testing.T) {
	for name, arguments := range map[string][]string{
		"by default": nil,
		// The standard forbids the node's network, which takes an exemption of the namespace.
		"with everything on": {"--values", everything, "--set", "hostNetwork=false"},
	} {
		t.Run(name, func(t *testing.T) {
			chart := renderChart(t, arguments...)
			deployment := get[appsv1.Deployment](t, chart, "Deployment "+namespace+"/"+operator).Spec.Template
			job := get[batchv1.Job](t, chart, uninstallCheck).Spec.Template
			pod := get[corev1.Pod](t, chart, installationCheck)
			expectRestricted(t, "the operator", deployment.ObjectMeta, deployment.Spec)
			expectRestricted(t, "the uninstall check", job.ObjectMeta, job.Spec)
			expectRestricted(t, "the installation check", pod.ObjectMeta, pod.Spec)
		})
	}
}

// TestServersMeetTheRestrictedStandard evaluates the Deployments in the golden files of internal/manifests.
func TestServersMeetTheRestrictedStandard(t *testing.T) {
	const goldens = "internal/manifests/testdata"
	for file, allowed := range map[string]bool{
		"minimal.golden.yaml":      true,
		"cert-manager.golden.yaml": true,
		// The user's template requires more privileges, and takes precedence.
		"everything-set.golden.yaml": false,
	} {
		for id, object := range readObjects(t, filepath.Join(goldens, file)) {
			if !strings.HasPrefix(id, "Deployment ") {
				continue
			}
			var deployment appsv1.Deployment
			convert(t, object, &deployment)
			template := deployment.Spec.Template
			if refusals := refusalsOf(t, template.ObjectMeta, template.Spec); (refusals == "") != allowed {
				t.Errorf("%s of %s is allowed: %t, want %t (%s)", id, file, refusals == "", allowed, refusals)
			}
		}
	}
}

func expectRestricted(t *testing.T, whose string, meta metav1.ObjectMeta, spec corev1.PodSpec) {
	t.Helper()
	if refusals := refusalsOf(t, meta, spec); refusals != "" {
		t.Errorf("the Pod of %s violates Pod Security: %s", whose, refusals)
	}
	for _, container := range spec.Containers {
		if context := container.SecurityContext; context == nil || context.ReadOnlyRootFilesystem == nil ||
			!*context.ReadOnlyRootFilesystem {
			t.Errorf("container %s of the Pod of %s has a writable root filesystem", container.Name, whose)
		}
	}
}

// refusalsOf returns the violations of the Pod Security Standard "restricted" by a Pod, empty if there are none.
func refusalsOf(t *testing.T, meta metav1.ObjectMeta, spec corev1.PodSpec) string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &meta, &spec))
	if result.Allowed {
		return ""
	}
	return result.ForbiddenDetail()
}
