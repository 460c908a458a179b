// SPDX-License-Identifier: Apache-2.0

// Package manifests builds the objects of an ExtensionAPI as apply configurations. The functions are pure; golden files
// in testdata show their results.
package manifests
