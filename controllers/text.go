// SPDX-License-Identifier: Apache-2.0

package controllers

import "strings"

const (
	// maxMessage is the longest message of a condition, far below what its schema allows (32,768).
	maxMessage = 4096
	// maxNote is the longest note that an Event may have (k8s.io/kubernetes pkg/apis/core/validation/events.go).
	maxNote = 1024
)

// shorten cuts text to at most length bytes, and shows that it did.
func shorten(text string, length int) string {
	const ellipsis = "…"
	if len(text) <= length {
		return text
	}
	return strings.ToValidUTF8(text[:length-len(ellipsis)], "") + ellipsis
}
