// SPDX-License-Identifier: Apache-2.0

// Package discovery measures the latency and the correctness of an extension API server's discovery: through every
// kube-apiserver, as clients experience it, and directly at every ready endpoint, to identify the replica.
//
// A Prober runs one loop for each tracked ExtensionAPI, so that a slow server delays no other. It keeps the results of
// the last round and notifies when they changed significantly.
package discovery
