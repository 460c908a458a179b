// SPDX-License-Identifier: Apache-2.0

package report

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// storage is found of the storage of the server.
func (r Reconciliation) storage() finding.Finding {
	switch {
	case !manifests.HasStorage(r.ExtensionAPI) || diagnosis.Namespace(r.Snapshot).Found():
		return diagnosis.Storage(r.Snapshot, finding.Finding{})
	case r.Plan.Storage == nil || r.Outcome.Failed.Storage != nil:
		return finding.Finding{}
	case r.Outcome.Storage.Found():
		return r.Outcome.Storage
	default:
		return diagnosis.WithStorageRotation(
			diagnosis.Storage(r.Snapshot, r.Plan.Storage.Problem), r.Plan.Storage.Rotation)
	}
}

// awaitsStorage is found of a server that is not started yet because of its storage.
func (r Reconciliation) awaitsStorage(s *snapshot.Snapshot) finding.Finding {
	return diagnosis.AwaitsStorage(s, ptr.Deref(r.Plan.Storage, plan.Storage{}).Problem)
}

// describeStorage fills in what is known of the endpoints.
func (r Reconciliation) describeStorage(status *v1alpha1.ExtensionAPIStatus) {
	if !manifests.HasStorage(r.ExtensionAPI) {
		status.Storage = nil
	}
	if r.Plan.Storage == nil || r.Storage.Value().Ended.IsZero() {
		return
	}
	described := &v1alpha1.StorageStatus{Endpoints: diagnosis.StorageEndpoints(r.Snapshot)}
	if _, end := diagnosis.StorageCertificate(r.Snapshot); !end.IsZero() {
		described.CertificateNotAfter = new(metav1.NewTime(end))
	}
	status.Storage = nil
	if len(described.Endpoints) > 0 || described.CertificateNotAfter != nil {
		status.Storage = described
	}
}
