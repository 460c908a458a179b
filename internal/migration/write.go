// SPDX-License-Identifier: Apache-2.0

package migration

import (
	"bytes"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

// maxNote is how many bytes of a note are written.
const maxNote = 2048

// YAML returns the manifest for kubectl apply. What could not be carried over stands as comments above it, in printable
// characters, so that no text of others ends its line.
func (m *Manifest) YAML() ([]byte, error) {
	out := &bytes.Buffer{}
	m.comments(out)
	var objects []any
	for i := range m.ClusterRoleBindings {
		objects = append(objects, &m.ClusterRoleBindings[i])
	}
	for i := range m.RoleBindings {
		objects = append(objects, &m.RoleBindings[i])
	}
	for i, object := range append(objects, m.ExtensionAPI) {
		content, err := yaml.Marshal(object)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		out.Write(content)
	}
	return out.Bytes(), nil
}

func (m *Manifest) comments(out *bytes.Buffer) {
	var versions []string
	for _, group := range m.ExtensionAPI.Spec.Groups {
		for _, version := range group.Versions {
			versions = append(versions, version.Name+"."+group.Name)
		}
	}
	comment := func(format string, args ...any) {
		fmt.Fprintf(out, "# %s\n", excerpt.Of(fmt.Sprintf(format, args...), maxNote))
	}
	comment("ExtensionAPI for what serves %s today, written by kubectl extensionapi import.", strings.Join(versions, ", "))
	comment("Read it, apply it, and follow docs/tasks/migrating.md: with adoptionPolicy DryRun, status reports what")
	comment("adopting would change (kubectl extensionapi diff %s); with Adopt, the APIServices are pointed to the new",
		m.ExtensionAPI.Name)
	comment("server as soon as it answers.")
	for _, missing := range m.Missing {
		comment("REQUIRED: set %s", missing)
	}
	for _, note := range m.Notes {
		comment("- %s", note)
	}
}
