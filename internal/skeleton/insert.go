// SPDX-License-Identifier: Apache-2.0

package skeleton

import (
	"fmt"
	"strings"
)

// marker precedes the name of a place where lines are inserted.
const marker = "// +extensionapi:scaffold:"

// insertion is a line for such a place.
type insertion struct{ place, line string }

// insertions are the lines of main.go for what is created.
func (c creation) insertions() []insertion {
	pkg, api := c.data.Package, c.data.Package+c.data.Version
	lines := []insertion{
		{"imports", fmt.Sprintf("%s %q", api, c.data.Repo+"/apis/"+pkg+"/"+c.data.Version)},
		{"versions", api + ".Install,"},
	}
	if !c.isNewKind {
		return lines
	}
	lines = append(lines,
		insertion{"imports", fmt.Sprintf("%sregistry %q", pkg, c.data.Repo+"/internal/registry/"+pkg)},
		insertion{"resources", pkg + "registry." + c.kind.Kind + "(),"},
	)
	if c.kind.Controller {
		lines = append(lines,
			insertion{"imports", fmt.Sprintf("%scontrollers %q", pkg, c.data.Repo+"/controllers/"+pkg)},
			insertion{"controllers", pkg + "controllers.Setup" + c.kind.Kind + ","},
		)
	}
	return lines
}

// insertAll inserts each line in front of the marker of its place, unless it is there.
func insertAll(content string, insertions []insertion) (string, error) {
	for _, insert := range insertions {
		lines := strings.Split(content, "\n")
		at := -1
		present := false
		for i, line := range lines {
			switch strings.TrimSpace(line) {
			case insert.line:
				present = true
			case marker + insert.place:
				at = i
			}
		}
		if present {
			continue
		}
		if at < 0 {
			return "", fmt.Errorf("main.go has no line %q: add it where %q belongs", marker+insert.place, insert.line)
		}
		indent := lines[at][:len(lines[at])-len(strings.TrimLeft(lines[at], " \t"))]
		lines = append(lines[:at], append([]string{indent + insert.line}, lines[at:]...)...)
		content = strings.Join(lines, "\n")
	}
	return content, nil
}
