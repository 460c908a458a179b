// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// withOutdatedPods advises to restart what was started before the front-proxy CA changed: servers built on
// k8s.io/apiserver reload it (pkg/server/options/authentication_dynamic_request_header.go), others may not.
func withOutdatedPods(s *snapshot.Snapshot, found finding.Finding) finding.Finding {
	changed := s.Layer.TrustChanged
	if found.Code != v1alpha1.ReasonFrontProxyRejected || !s.Layer.Looked && changed.IsZero() {
		return found
	}
	switch {
	case s.Spec.Server == nil || changed.IsZero():
		return found.Advising("If the CA in that ConfigMap has changed" + lastChange(changed) +
			", restart the Pods of the server that started before" + restart(s))
	case len(startedBefore(s, changed)) == 0:
		return found
	default:
		return found.Advising(fmt.Sprintf("That ConfigMap last changed at %s, after these Pods started: %s. Unless they "+
			"reload it, restart them%s", pki.Timestamp(changed), bounded(startedBefore(s, changed)), restart(s)))
	}
}

func lastChange(changed time.Time) string {
	if changed.IsZero() {
		return ""
	}
	return " (it last did at " + pki.Timestamp(changed) + ")"
}

// restart is the command for a server that the operator runs.
func restart(s *snapshot.Snapshot) string {
	if s.Spec.Server == nil {
		return ""
	}
	return fmt.Sprintf(": kubectl -n %s rollout restart deployment %s", s.Backend.Namespace, s.Name)
}

// startedBefore are the names of the Pods whose server was running by then.
func startedBefore(s *snapshot.Snapshot, moment time.Time) (names []string) {
	for _, pod := range s.Server.Value().Pods {
		started := pod.DeletionTimestamp == nil && slices.ContainsFunc(pod.Status.ContainerStatuses,
			func(c corev1.ContainerStatus) bool {
				return c.Name == v1alpha1.ServerContainer && c.State.Running != nil && !c.State.Running.StartedAt.After(moment)
			})
		if started {
			names = append(names, pod.Name)
		}
	}
	slices.Sort(names)
	return names
}

// maxNamed bounds the Pods that a message names.
const maxNamed = 5

func bounded(names []string) string {
	if more := len(names) - maxNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}
