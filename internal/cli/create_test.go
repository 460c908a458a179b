// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/skeleton"
)

func TestAProjectIsStartedAndKindsAreAdded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "Cogs")
	t.Setenv(libraryVariable, "../../pkg")
	for _, command := range []struct{ args, want string }{
		{"init --domain example.com", "created main.go\n"},
		{"create api --group gears --version v1 --kind Sprocket", "created controllers/gears/sprocket_controller.go\n"},
		{"create api --group gears --version v1 --kind Clock --storage none", "changed config/extensionapi.yaml\n"},
		{"create api --group gears --version v1beta1 --kind Sprocket", "created apis/gears/v1beta1/sprocket_types.go\n"},
	} {
		code, out, errOut := run(append(strings.Fields(command.args), "--dir", dir)...)
		if code != 0 || !strings.Contains(out, command.want) || !strings.Contains(out, "\nNext: ") {
			t.Errorf("%s: exit code %d, output %q, errors %q", command.args, code, out, errOut)
		}
	}
	project, err := skeleton.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if project.Name != "cogs" || project.Repo != "example.com/cogs" || len(project.Kinds) != 2 ||
		!project.Kinds[0].Controller || project.Kinds[1].Controller || len(project.Kinds[0].Versions) != 2 {
		t.Errorf("the project is %+v", project)
	}
}

func TestMistakesAreExplainedBeforeAnythingIsWritten(t *testing.T) {
	for name, test := range map[string]struct{ args, want string }{
		"no domain":         {"init", `required flag(s) "domain"`},
		"an invalid domain": {"init --domain example", "must be a domain that you own"},
		"no project": {
			"create api --group gears --version v1 --kind Sprocket", "run 'kubectl extensionapi init' first",
		},
		"an argument that is not taken": {"init --domain example.com cogs", "unknown command"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv(libraryVariable, dir)
			code, out, errOut := run(append(strings.Fields(test.args), "--dir", dir)...)
			if code != 1 || out != "" || !strings.Contains(errOut, test.want) {
				t.Errorf("exit code %d, output %q, errors %q", code, out, errOut)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
				t.Errorf("it has written %v, %v", files, err)
			}
		})
	}
}

func TestTheLibraryIsThatOfTheRelease(t *testing.T) {
	for version, want := range map[string]string{
		"v0.3.0": "v0.3.0", "v1.0.0-rc.1": "v1.0.0-rc.1", "v0.3.0-4-gabcdef0": "", "dev": "", "v0.3.0-dirty": "",
	} {
		options, err := libraryOf(version, "")
		if options.Library != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", version, options.Library, err)
		}
	}
	options, err := libraryOf("v0.3.0", "pkg")
	if err != nil || !filepath.IsAbs(options.LibraryDir) {
		t.Errorf("a directory that replaces it: %+v, %v", options, err)
	}
}
