// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Namespace reports what the namespace of the server lacks; nothing is found where the server can run in it.
func Namespace(s *snapshot.Snapshot) finding.Finding {
	state, known := s.Namespace.Get()
	name := s.Backend.Namespace
	switch {
	case !known:
		return finding.Finding{}
	case state == snapshot.Missing:
		return finding.Bad(v1alpha1.ReasonNamespaceNotFound, fmt.Sprintf("namespace %q does not exist", name),
			finding.Working).Advising("Create it: kubectl create namespace " + name)
	case state == snapshot.Terminating:
		return finding.Bad(v1alpha1.ReasonNamespaceTerminating, fmt.Sprintf(
			"namespace %q is being deleted, and the server with it", name), finding.Working).
			Affecting("Its APIServices have been removed, so the rest of the cluster is not affected").
			Advising("Delete the ExtensionAPI, or recreate the namespace when it is gone")
	default:
		return s.OutOfReach
	}
}

// Removed is found when there are no APIServices because there is no namespace.
func Removed(s *snapshot.Snapshot) finding.Finding {
	switch s.Namespace.Value() {
	case snapshot.Terminating:
		return finding.Bad(v1alpha1.ReasonNamespaceTerminating,
			"the server's namespace is being deleted, so its APIServices have been removed", finding.Working)
	case snapshot.Missing:
		return finding.Bad(v1alpha1.ReasonNamespaceNotFound,
			"the server's namespace does not exist, so it has no APIServices", finding.Working)
	default:
		return finding.Finding{}
	}
}
