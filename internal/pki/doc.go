// SPDX-License-Identifier: Apache-2.0

// Package pki issues and checks the certificates of an extension API server.
//
// Each server has a certificate authority of its own (the signer), a serving certificate that it signed, and a trust
// bundle: the authorities that clients must accept. Plan is the one decision: from what is stored and the time it tells
// what should be stored. It never lets a serving certificate be published that the bundle does not cover, and when a
// signer is replaced the old one stays in the bundle, since Pods go on serving its certificate for a while.
package pki
