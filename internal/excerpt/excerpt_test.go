// SPDX-License-Identifier: Apache-2.0

package excerpt

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestOf(t *testing.T) {
	const enough = 100
	for name, test := range map[string]struct {
		text   string
		length int
		want   string
	}{
		"printable":                      {`it's "fine", C:\dir — größer ✓`, enough, `it's "fine", C:\dir — größer ✓`},
		"just long enough":               {"abcdef", 6, "abcdef"},
		"too long":                       {"abcdefg", 6, "abc…"},
		"no part of a character":         {"abäcdef", 6, "ab…"},
		"no part of an escape":           {"ab\x1bcdef", 8, "ab…"},
		"lines":                          {"one\r\ntwo\tthree", enough, `one\r\ntwo\tthree`},
		"a terminal's commands":          {"\x1b[2J\x07\x00\u009b", enough, `\x1b[2J\a\x00\u009b`},
		"the other direction":            {"\u202egro.elpmaxe\u2066", enough, `\u202egro.elpmaxe\u2066`},
		"separators and spaces of width": {"a\u2028b\u2029c\u00a0d\u200be", enough, `a\u2028b\u2029c\u00a0d\u200be`},
		"no UTF-8":                       {"a\xff\xc3b", enough, `a\xff\xc3b`},
		"a replacement character":        {"a\ufffdb", enough, "a\ufffdb"},
		"nothing":                        {"", enough, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Of(test.text, test.length); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func FuzzOf(f *testing.F) {
	f.Add("fine", 10)
	f.Add("\x1b]0;owned\x07\r\x00\u202e\u2066\u2028\xff", 20)
	f.Add(strings.Repeat("é\n", 1<<19), 512)
	f.Fuzz(func(t *testing.T, text string, length int) {
		length = len(ellipsis) + max(0, length)%4096
		got := Of(text, length)
		if len(got) > length || !utf8.ValidString(got) {
			t.Fatalf("%d bytes of %d: %q", len(got), length, got)
		}
		for _, character := range got {
			if !strconv.IsPrint(character) {
				t.Fatalf("%q is not printable in %q", character, got)
			}
		}
		if again := Of(got, length); again != got {
			t.Errorf("%q, escaped again, is %q", got, again)
		}
	})
}
