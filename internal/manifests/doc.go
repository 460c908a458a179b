// SPDX-License-Identifier: Apache-2.0

// Package manifests builds the objects of an ExtensionAPI as apply configurations. The functions are pure; golden files
// under testdata show what they build.
package manifests
