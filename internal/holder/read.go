// SPDX-License-Identifier: Apache-2.0

package holder

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Reads reports whether anything is read here from a label or an annotation of that key, or RemoveMarks takes it away.
func Reads(key string) bool {
	return key == autoManagedLabel ||
		hasPrefix(key, olmPrefix, olmComponent, helmPrefix, certManagerPrefix, serviceCA)
}

// TrimManagedFields keeps of an object's managed fields only what is read here: that the operator has applied it, and
// who wrote it last.
func TrimManagedFields(object metav1.Object) {
	writer := lastWriter(object)
	var kept []metav1.ManagedFieldsEntry
	for _, entry := range object.GetManagedFields() {
		if isOperators(entry) || (entry.Manager == writer && entry.Subresource == "") {
			kept = append(kept, metav1.ManagedFieldsEntry{
				Manager: entry.Manager, Operation: entry.Operation, Time: entry.Time,
			})
		}
	}
	object.SetManagedFields(kept)
}
