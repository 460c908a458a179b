// SPDX-License-Identifier: Apache-2.0

// Package standin serves discovery in place of extension API servers of which no replica answers, from every replica of
// the operator: the documents that the server answered last, and 503 for everything else. Nothing here decides when
// that is so; internal/plan points APIServices at it.
package standin
