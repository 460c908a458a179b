// SPDX-License-Identifier: Apache-2.0

package ownership

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Reads reports whether this package reads or removes a label or annotation with that key.
func Reads(key string) bool {
	return key == autoManagedLabel ||
		hasPrefix(key, olmPrefix, olmComponent, helmPrefix, certManagerPrefix, serviceCA)
}

// TrimManagedFields keeps only the managed fields of an object that this package reads: that the operator has applied
// it, and its last writer.
func TrimManagedFields(object metav1.Object) {
	writer := lastWriter(object)
	var kept []metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if isAppliedByOperator(entry) || (entry.Manager == writer && entry.Subresource == "") {
			kept = append(kept, metav1.ManagedFieldsEntry{
				Manager: entry.Manager, Operation: entry.Operation, Time: entry.Time,
			})
		}
	}
	object.SetManagedFields(kept)
}
