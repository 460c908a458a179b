// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// noSuchPlatform is containerd's answer for an image that has nothing for the node's architecture.
const noSuchPlatform = "no match for platform"

const architectureRemedy = "Use an image for the architecture of the nodes, or for several, or select nodes: set " +
	"kubernetes.io/arch in {field}.template.spec.nodeSelector, such as amd64"

// architectureProblem is found of an image that is not for the architecture of its node.
func architectureProblem(pod *corev1.Pod, status corev1.ContainerStatus) finding.Finding {
	subject := fmt.Sprintf("Pod %s, container %s: ", pod.Name, status.Name)
	waiting := ""
	if status.State.Waiting != nil {
		waiting = status.State.Waiting.Message
	}
	switch {
	case status.Ready:
		return finding.Finding{}
	case strings.Contains(waiting, noSuchPlatform):
		return finding.Bad(v1alpha1.ReasonImagePullBackOff, subject+"the image has nothing for the architecture of its node",
			finding.Working).Alarming().Advising(architectureRemedy)
	case strings.Contains(waiting, excerpt.ExecFormatError) || failedToExecute(status):
		return finding.Bad(v1alpha1.ReasonCrashLoopBackOff, subject+excerpt.ExecFormatError+": the image is for another "+
			"architecture than its node", finding.Working).Alarming().Advising(architectureRemedy)
	default:
		return finding.Finding{}
	}
}

func failedToExecute(status corev1.ContainerStatus) bool {
	for _, ended := range []*corev1.ContainerStateTerminated{
		status.State.Terminated, status.LastTerminationState.Terminated,
	} {
		if ended != nil && excerpt.OfTermination(ended.Message) == excerpt.ExecFormatError {
			return true
		}
	}
	return false
}
