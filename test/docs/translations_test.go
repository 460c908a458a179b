// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// translated is the end of the names of Portuguese pages.
const translated = ".pt-BR.md"

// TestTranslationsHaveTheSameCodeBlocks compares commands, their output, manifests and diagrams.
func TestTranslationsHaveTheSameCodeBlocks(t *testing.T) {
	documents, err := ReadAll(repository)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, translation := range documents {
		page, isTranslation := strings.CutSuffix(translation.Path, translated)
		if !isTranslation {
			continue
		}
		count++
		original, err := Read(page + ".md")
		if err != nil {
			t.Fatal(err)
		}
		for i := range max(len(original.Blocks), len(translation.Blocks)) {
			if i >= min(len(original.Blocks), len(translation.Blocks)) || original.Blocks[i] != translation.Blocks[i] {
				t.Errorf("code block %d of %s is not that of %s", i+1, translation.Path, original.Path)
			}
		}
		for _, links := range [][2]string{{original.Path, translation.Path}, {translation.Path, original.Path}} {
			from, err := Read(links[0])
			if err != nil || !slices.Contains(from.Links, filepath.Base(links[1])) {
				t.Errorf("%s does not link to %s (%v)", links[0], links[1], err)
			}
		}
	}
	if count == 0 {
		t.Error("there is no translation")
	}
}
