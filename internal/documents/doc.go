// SPDX-License-Identifier: Apache-2.0

// Package documents reads the responses of extension API servers and kube-apiservers as a stream, keeping only what is
// needed, within the bounds of package limits.
//
// Field names are case-sensitive, as in Kubernetes. If an object has a field twice, the last one counts.
package documents
