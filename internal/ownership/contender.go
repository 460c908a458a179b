// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Contender is the client that changes an object which the operator applies.
type Contender struct {
	Owner
	// Scales reports whether it does so by the scale subresource, as a HorizontalPodAutoscaler and kubectl scale do.
	Scales bool
}

// ContenderOf returns the last writer of an object, as its managed fields have it before the operator writes it again.
// Kubernetes' controllers write annotations and the status of what they look after, so one that has written anything
// else comes first.
func ContenderOf(object metav1.Object) Contender {
	var last metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if entry.Manager != FieldOwner && writesContent(entry) && !entry.Time.Before(last.Time) {
			last = entry
		}
	}
	if last.Manager == "" {
		return Contender{Owner: LastWriter(object)}
	}
	return Contender{Owner: writtenBy(last.Manager), Scales: last.Subresource == "scale"}
}

// writesContent reports whether an entry has fields that are neither metadata nor status.
func writesContent(entry metav1.ManagedFieldsEntry) bool {
	if entry.FieldsV1 == nil {
		return false
	}
	var fields map[string]json.RawMessage
	if err := json.NewDecoder(entry.FieldsV1.GetRawReader()).Decode(&fields); err != nil {
		return false
	}
	delete(fields, "f:metadata")
	delete(fields, "f:status")
	return len(fields) > 0
}
