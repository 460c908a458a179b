// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
)

func TestDocumentIsParsedLikeOnGitHub(t *testing.T) {
	const source = "# Title\n\n## Why `a_b` is 1st\n\nSee [this](other.md#x).\n\n" +
		"| a | b |\n|---|---|\n| <a id=\"a-x\"></a>`x` and [y](z.md) | 1 |\n\n" +
		"```yaml\n# no heading\nkind: A\n```\n"
	wanted := Document{
		Anchors: sets.New("title", "why-a_b-is-1st", "a-x"),
		Links:   []string{"other.md#x", "z.md"},
		Blocks:  []Block{{Language: "yaml", Text: "# no heading\nkind: A\n"}},
		Tables:  []Table{{Header: []string{"a", "b"}, Rows: [][]string{{"x and y", "1"}}}},
	}
	if found := parse([]byte(source)); !reflect.DeepEqual(found, wanted) {
		t.Errorf("got %+v, want %+v", found, wanted)
	}
}
