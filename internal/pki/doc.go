// SPDX-License-Identifier: Apache-2.0

// Package pki issues and checks the certificates of an extension API server.
//
// A managed server has a certificate authority of its own (the signer) and a serving certificate that it signed; both
// are replaced when they are unusable, due for renewal or asked to be. When a new certificate may be served, and when
// an old authority may be dropped, is decided by package rotation.
package pki
