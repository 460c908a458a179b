// SPDX-License-Identifier: Apache-2.0

// Package excerpt makes the words of others safe to repeat: to a terminal, in a log, in the status of an object.
package excerpt

import (
	"strconv"
	"unicode/utf8"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

const ellipsis = "…"

// Quote returns text of another component as a message quotes it that continues after it, up to 512 bytes.
func Quote(text string) string { return Of(text, limits.Text) }

// Of returns the beginning of text, up to length bytes, in printable characters alone (strconv.IsPrint). All others are
// shown escaped as in Go: line breaks, control characters, what changes the direction of text, and bytes that are no
// UTF-8. It ends in an ellipsis when something was left out. Length is at least that of the ellipsis, 3.
func Of(text string, length int) string {
	if isPrintable(text) && len(text) <= length {
		return text
	}
	result := make([]byte, 0, min(len(text), length))
	fits := 0 // how much can stay in front of an ellipsis
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
