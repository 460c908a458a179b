// SPDX-License-Identifier: Apache-2.0

// Package pki issues and checks the certificates of an extension API server.
//
// A managed server has a CA of its own (the signer) and a serving certificate issued by it; both are replaced when they
// are unusable, due for renewal or when a rotation is requested. Package rotation decides when a new certificate may be
// served, and when an old CA may be dropped.
package pki
