// SPDX-License-Identifier: Apache-2.0

// Package excerpt makes text from untrusted sources safe to print: in a terminal, in a log, in the status of an object.
package excerpt

import (
	"strconv"
	"unicode/utf8"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

const ellipsis = "…"

// Quote returns text of another component for quoting within a message, up to 512 bytes.
func Quote(text string) string { return Of(text, limits.Text) }

// Of returns the beginning of text, up to length bytes, with only printable characters (strconv.IsPrint). All others
// are escaped as in Go: line breaks, control characters, bidirectional controls, and invalid UTF-8. The result ends in
// an ellipsis if it is truncated. length must be at least that of the ellipsis, 3.
func Of(text string, length int) string {
	if isPrintable(text) && len(text) <= length {
		return text
	}
	result := make([]byte, 0, min(len(text), length))
	fits := 0 // how much can be kept in front of an ellipsis
	for len(text) > 0 {
		character, size := utf8.DecodeRuneInString(text)
		result = appendPrintable(result, character, text[:size])
		if len(result) > length {
			return string(result[:fits]) + ellipsis
		}
		if len(result) <= length-len(ellipsis) {
			fits = len(result)
		}
		text = text[size:]
	}
	return string(result)
}

func isPrintable(text string) bool {
	for _, character := range text {
		if character == utf8.RuneError || !strconv.IsPrint(character) {
			return false
		}
	}
	return true
}

func appendPrintable(to []byte, character rune, encoded string) []byte {
	if strconv.IsPrint(character) && (character != utf8.RuneError || len(encoded) > 1) {
		return append(to, encoded...)
	}
	quoted := strconv.Quote(encoded)
	return append(to, quoted[1:len(quoted)-1]...)
}
