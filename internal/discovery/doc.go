// SPDX-License-Identifier: Apache-2.0

// Package discovery measures how fast and how truly an extension API server answers discovery requests: through every
// kube-apiserver, as clients feel it, and straight at every ready endpoint, the truth about each replica.
//
// A Prober runs one loop for each tracked ExtensionAPI, so that a slow server delays no other. It keeps the results of
// the last round and tells when they changed in a way that matters.
package discovery
