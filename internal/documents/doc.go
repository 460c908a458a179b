// SPDX-License-Identifier: Apache-2.0

// Package documents reads what extension API servers and kube-apiservers answer: piece by piece, keeping only what
// is needed, and no more than package limits allows.
//
// Names of fields are compared exactly, as Kubernetes does. Of a field that an object has twice, the last one counts.
package documents
