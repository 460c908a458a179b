// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// warned begins each warning of a policy; other warnings are not looked for.
const warned = "Warning: Validation failed for ValidatingAdmissionPolicy 'extensionapi-operator-"

func TestWhoeverIsAboutToMakeObjectsUnreachableIsWarned(t *testing.T) {
	t.Parallel()
	const name = "warned"
	backend, _ := startBackend(t, name, "v1", "v2")
	apply(t, backend.declare(groups(name+".example.com", "v1", "v2")))
	awaitRegistered(t, name)

	for _, test := range []struct {
		does string
		// with has kubectl do it, and nothing of it be kept.
		with []string
		// says is empty where there is nothing to warn of.
		says string
	}{
		{
			"deleting the ExtensionAPI",
			[]string{"delete", "xapi", name},
			"deleting ExtensionAPI warned unregisters warned.example.com/v1, warned.example.com/v2: " +
				"in the whole cluster nobody can read, change or delete their objects any more. They stay in the server's own " +
				"storage, to be served again by the same ExtensionAPI. To leave everything running instead, run first: " +
				`kubectl patch xapi warned --type merge -p '{"spec":{"deletionPolicy":"Orphan"}}'`,
		},
		{
			"taking a version out of the spec",
			patching(name, `[{"op": "remove", "path": "/spec/groups/0/versions/1"}]`),
			"taking warned.example.com/v2 out of spec.groups unregisters it: clients of it fail, and nobody reaches objects " +
				"any more that no other version of their group serves. They stay in the server's own storage. To serve them " +
				"again, put it back",
		},
		{
			"taking another group in the place of one",
			patching(name, `[{"op": "replace", "path": "/spec/groups/0/name", "value": "another.example.com"}]`),
			"taking warned.example.com/v1, warned.example.com/v2 out of spec.groups",
		},
		{
			"deleting the server's namespace",
			[]string{"delete", "namespace", name},
			"namespace warned holds the server of ExtensionAPI warned: its APIServices are removed at once, and in the whole " +
				"cluster nobody reaches the objects of warned.example.com any more. What the server stores in this namespace is " +
				"lost with it",
		},
		{
			"deleting another namespace",
			[]string{"delete", "namespace", "kube-node-lease"},
			"",
		},
		{
			"adding a version",
			patching(name, `[{"op": "add", "path": "/spec/groups/0/versions/-", "value": {"name": "v3"}}]`),
			"",
		},
		{
			"suspending it",
			patching(name, `[{"op": "add", "path": "/spec/suspend", "value": true}]`),
			"",
		},
	} {
		t.Run(test.does, func(t *testing.T) { expectWarning(t, test.says, test.with) })
	}
	t.Run("deleting it and leaving everything running", func(t *testing.T) {
		setDeletionPolicy(t, name, v1alpha1.DeletionOrphan)
		defer setDeletionPolicy(t, name, v1alpha1.DeletionDelete)
		expectWarning(t, "", []string{"delete", "xapi", name})
	})
}

func TestNobodyIsWarnedOfWhatWasNeverServed(t *testing.T) {
	t.Parallel()
	const name = "never-served"
	startRollout(t, name)
	expectWarning(t, "", []string{"delete", "xapi", name})
	expectWarning(t, "", []string{"delete", "namespace", name})
}

func patching(name, patch string) []string {
	return []string{"patch", "xapi", name, "--type", "json", "--patch", patch}
}

// expectWarning has kubectl do something that is not kept, and looks for the warning.
func expectWarning(t *testing.T, says string, with []string) {
	t.Helper()
	eventually(t, func() error {
		printed := kubectl(t, append(with, "--dry-run=server")...)
		if says == "" && strings.Contains(printed, warned) || !strings.Contains(printed, says) {
			return fmt.Errorf("kubectl prints\n\t%s\ninstead of\n\t%s", printed, says)
		}
		return nil
	})
}

func setDeletionPolicy(t *testing.T, name string, policy v1alpha1.DeletionPolicy) {
	t.Helper()
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.DeletionPolicy = policy })
}
