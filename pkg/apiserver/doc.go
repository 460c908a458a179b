// SPDX-License-Identifier: Apache-2.0

// Package apiserver is what extension API servers have in common: the options of k8s.io/apiserver that an aggregated
// API needs, OpenAPI, versions, and storage for kinds that are declared rather than written. Projects that "kubectl
// extensionapi init" has written import it; it knows nothing of the operator, and its servers run without it.
//
// It hides nothing: what it returns and accepts are types of k8s.io/apiserver, and a Resource of your own may implement
// any of the interfaces in k8s.io/apiserver/pkg/registry/rest. It has no state and no generated code, so that whoever
// wants to leave it copies it.
//
// # Compatibility
//
// The packages below pkg/ are the only ones of this module for other modules. Their exported identifiers follow the
// module's semantic version: before v1.0, an incompatible change takes a new minor version and has an entry in
// docs/upgrading.md with what to change. What is marked Deprecated stays for at least two more minor versions.
//
// Types of k8s.io modules are part of the signatures, and those modules break theirs with each minor version of
// Kubernetes. So each minor version of this module states one minor version of k8s.io/apiserver in its go.mod, and a
// patch version never changes it. How objects are encoded in storage, and which requests are accepted, do not change
// with either.
package apiserver
