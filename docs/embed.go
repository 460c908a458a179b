// SPDX-License-Identifier: Apache-2.0

// Package docs has the documents that programs show without a network.
package docs

import "embed"

// Files are the documents with a table of reasons.
//
//go:embed reference/conditions.md reference/kubectl-plugin.md
var Files embed.FS
