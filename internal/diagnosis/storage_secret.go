// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// StorageSecretNotFound is found where the Secret of spec.server.storage does not exist.
func StorageSecretNotFound(namespace, name string) finding.Finding {
	return finding.Bad(v1alpha1.ReasonSecretNotFound, fmt.Sprintf("Secret %s/%s does not exist", namespace, name),
		finding.Stalled).Alarming().Advising("Create it, or correct secretRef in spec.server.storage")
}

// StorageSecretRefused is found of content that is not given to the server.
func StorageSecretRefused(namespace, name string, cause error) finding.Finding {
	return finding.Bad(v1alpha1.ReasonInvalidSecret, fmt.Sprintf("the content of Secret %s/%s is rejected: %s",
		namespace, name, excerpt.Quote(cause.Error())), finding.Stalled).Alarming()
}

// AwaitsStorage is found of a server that cannot be started, since its storage lacks what its Pods need. problem is
// what another owner has to solve first.
func AwaitsStorage(s *snapshot.Snapshot, problem finding.Finding) finding.Finding {
	if !s.RunsServer() || !s.Storage.IsKnown() || s.StorageReady() || s.Server.Value().Deployment != nil {
		return finding.Finding{}
	}
	progress := finding.Working
	if problem.Found() {
		progress = problem.Progress
	}
	return finding.Bad(v1alpha1.ReasonStorageStarting,
		"the server is started when its Pods can be given what they need to reach their storage", progress).
		Advising("See the condition StorageAvailable")
}
