// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestAnImageForAnotherArchitectureIsReportedWithHowToSelectNodes(t *testing.T) {
	recovered := crashed("exec /server: exec format error", 255)
	recovered.Status.ContainerStatuses[0].Ready = true
	const (
		remedy         = "set kubernetes.io/arch in spec.server.template.spec.nodeSelector"
		crash, pulling = v1alpha1.ReasonCrashLoopBackOff, v1alpha1.ReasonImagePullBackOff
	)
	for name, test := range map[string]struct {
		pod    corev1.Pod
		reason string
	}{
		"it cannot be executed":  {crashed("exec /server: exec format error", 255), crash},
		"it cannot be started":   {podWaiting("RunContainerError", `exec: "/server": exec format error`), crash},
		"there is none":          {podWaiting("ErrImagePull", "no match for platform in manifest: not found"), pulling},
		"it is fine by now":      {recovered, ""},
		"another trouble of its": {crashed("unknown flag", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			found := State{Workload: server}.located(architectureProblem(&test.pod, test.pod.Status.ContainerStatuses[0]))
			if found.Code != test.reason {
				t.Errorf("it is %q: %s", found.Code, found.Message())
			}
			if found.Found() && !strings.Contains(found.Message(), remedy) {
				t.Errorf("message %q", found.Message())
			}
			if strings.Contains(found.Message(), "/server") {
				t.Errorf("the last output is repeated: %q", found.Message())
			}
		})
	}
}
