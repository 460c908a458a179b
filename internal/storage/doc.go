// SPDX-License-Identifier: Apache-2.0

// Package storage knows what a server needs to reach its storage: which content of a Secret is valid, what of it Pods
// read only once, where a database is, and what a look at it means. It is pure, and imports no client.
package storage
