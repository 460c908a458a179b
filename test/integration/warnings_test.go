// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// warned is the prefix of the warnings of admission policies; other warnings are ignored.
const warned = "Warning: Validation failed for ValidatingAdmissionPolicy 'extensionapi-operator-"

func TestRequestsThatMakeObjectsUnreachableAreWarnedOf(t *testing.T) {
	t.Parallel()
	const name = "warned"
	backend, _ := startBackend(t, name, "v1", "v2")
	apply(t, backend.declare(groups(name+".example.com", "v1", "v2")))
	awaitRegistered(t, name)

	for _, test := range []struct {
		does string
		// with are the arguments of kubectl, which runs with --dry-run=server.
		with []string
		// says is part of the expected warning, empty if none is expected.
		says string
	}{
		{
			"deleting the ExtensionAPI",
			[]string{"delete", "xapi", name},
			"deleting ExtensionAPI warned unregisters warned.example.com/v1, warned.example.com/v2: " +
				"no client of the cluster can read, change or delete their objects any more. The objects stay in the server's " +
				"own storage, and are served again if the same ExtensionAPI is recreated. To leave everything running instead, " +
				"run this first: " +
				`kubectl patch xapi warned --type merge -p '{"spec":{"deletionPolicy":"Orphan"}}'`,
		},
		{
			"removing a version from the spec",
			patching(name, `[{"op": "remove", "path": "/spec/groups/0/versions/1"}]`),
			"removing warned.example.com/v2 from spec.groups unregisters it: its clients fail, and objects that no other " +
				"version of their group serves become unreachable. The objects stay in the server's own storage. To serve them " +
				"again, restore the version",
		},
		{
			"replacing a group",
			patching(name, `[{"op": "replace", "path": "/spec/groups/0/name", "value": "another.example.com"}]`),
			"removing warned.example.com/v1, warned.example.com/v2 from spec.groups",
		},
		{
			"deleting the server's namespace",
			[]string{"delete", "namespace", name},
			"namespace warned contains the server of ExtensionAPI warned: its APIServices are removed immediately, and the " +
				"objects of warned.example.com become unreachable for the whole cluster. Data that the server stores in this " +
				"namespace is lost with it",
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

func TestNoWarningForAnAPIThatWasNeverServed(t *testing.T) {
	t.Parallel()
	const name = "never-served"
	startRollout(t, name)
	expectWarning(t, "", []string{"delete", "xapi", name})
	expectWarning(t, "", []string{"delete", "namespace", name})
}

func patching(name, patch string) []string {
	return []string{"patch", "xapi", name, "--type", "json", "--patch", patch}
}

// expectWarning runs kubectl with --dry-run=server, and expects the warning.
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
