// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/test/documented"
)

// plugin is built by make demo.
const plugin = "bin/kubectl-extensionapi"

// runPlugin returns the output of the plugin and its exit code.
func runPlugin(ctx context.Context, args ...string) (out string, code int, err error) {
	command := program(ctx, plugin, args...)
	var stderr strings.Builder
	command.Stderr = &stderr
	stdout, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && stderr.Len() == 0 {
		return string(stdout), exit.ExitCode(), nil // the output says everything
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", plugin, strings.Join(args, " "), err, stderr.String())
	}
	return string(stdout), 0, err
}

var kubernetesVersion = regexp.MustCompile(`\bis v1\.\S+`)

func normalized(text string) string {
	return kubernetesVersion.ReplaceAllString(documented.Normalized(text), "is …")
}

// ofOthers are the sections that also show what other tests do.
var ofOthers = []string{"aggregation layer", "namespaces"}

// withoutOthers leaves these sections and the summary out.
func withoutOthers(text string) string {
	var kept []string
	for section := range strings.SplitSeq(text, "\n\n") {
		heading, _, _ := strings.Cut(section, "\n")
		isSummary := strings.Contains(heading, " ok, ")
		if !isSummary && !strings.HasPrefix(heading, ofOthers[0]) && !strings.HasPrefix(heading, ofOthers[1]) {
			kept = append(kept, strings.TrimRight(section, "\n"))
		}
	}
	return strings.Join(kept, "\n\n") + "\n"
}

// doctored succeeds when doctor finds of an ExtensionAPI what the golden file has.
func doctored(name string) func(context.Context) error {
	return printed("doctor/"+name+".txt", withoutOthers, "doctor", name)
}

// refreshed is longer than kube-apiserver takes to notice what changes in GET /apis of a server, which it reads every
// minute.
const refreshed = 75 * time.Second

// printed succeeds when the plugin prints what the golden file has, after edit. With WRITE_DOCS=1 the file is written,
// once the same has been printed for so long that it stays so.
func printed(file string, edit func(string) string, args ...string) func(context.Context) error {
	var last string
	var since time.Time
	return func(ctx context.Context) error {
		out, code, err := runPlugin(ctx, args...)
		if err != nil {
			return err
		}
		got := fmt.Sprintf("%s(exit code %d)\n", normalized(edit(out)), code)
		if got != last {
			last, since = got, time.Now()
		}
		return compareText(file, got, time.Since(since) > refreshed)
	}
}

// compareText compares a golden file, or writes it if that is wanted and the text is final.
func compareText(file, got string, isFinal bool) error {
	path := filepath.Join("testdata", file)
	if documented.Writing() {
		if !isFinal {
			return fmt.Errorf("it may still change: %s", got)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(got), 0o644)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w (WRITE_DOCS=1 writes it)", err)
	}
	if got != string(want) {
		return fmt.Errorf("%s has\n%s\nbut the output is\n%s\n(WRITE_DOCS=1 updates it)", path, want, got)
	}
	return nil
}

var (
	columns = regexp.MustCompile(`(\S) {2,}`)
	bars    = regexp.MustCompile(`[█░]+`)
	within  = regexp.MustCompile(`\(in \d+[dy]\)`)
)

// steady leaves out what differs from one run to the next: Events, widths of columns, bars and times.
func steady(text string) string {
	if before, _, found := strings.Cut(text, "\nlast Events\n"); found {
		text = before
	}
	text = columns.ReplaceAllString(text, "$1  ")
	text = bars.ReplaceAllString(text, "…")
	return within.ReplaceAllString(text, "(in …)")
}

// It is not parallel to other tests: their faults are found, too.
func TestDoctorFindsAHealthyClusterHealthy(t *testing.T) {
	extensionAPI := faultServerAPI("healthy", "healthy.example.com", "v1")
	createUntilCleanup(t, extensionAPI)
	eventually(t, faultReported, isHealthy(extensionAPI))
	for _, args := range [][]string{
		{"doctor", "-o", "wide"},
		{"check", "healthy"},
		{"diff", "healthy"},
		{"explain", "ServerSlow"},
		{"status", "healthy"},
		{"top", "v1.healthy.example.com", "--count", "1"},
	} {
		t.Run(args[0], func(t *testing.T) {
			eventually(t, 2*time.Minute, printed("healthy/"+args[0]+".txt", steady, args...))
		})
	}
}

// It is not parallel to other tests: no namespace can be deleted meanwhile.
func TestDoctorDoesNotDependOnDiscovery(t *testing.T) {
	orphan := &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: "v1.orphan.example.com"},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: "orphan.example.com", Version: "v1", GroupPriorityMinimum: 100, VersionPriority: 100,
			InsecureSkipTLSVerify: true,
			Service:               &apiregistrationv1.ServiceReference{Namespace: sampleNamespace, Name: "orphan"},
		},
	}
	createObject(t, orphan)
	eventually(t, time.Minute, func(context.Context) error {
		if _, _, err := discoverer.ServerGroupsAndResources(); !discovery.IsGroupDiscoveryFailedError(err) {
			return fmt.Errorf("discovery is not incomplete: %w", err)
		}
		return nil
	})
	eventually(t, time.Minute, func(ctx context.Context) error {
		out, code, err := runPlugin(ctx, "doctor")
		if err == nil && (code != 2 || !strings.Contains(out, "Service "+sampleNamespace+"/orphan does not exist")) {
			err = fmt.Errorf("exit code %d:\n%s", code, out)
		}
		return err
	})
	out, _, err := runPlugin(t.Context(), "doctor", "-o", "name")
	if err != nil || strings.TrimSpace(out) != "apiservice.apiregistration.k8s.io/"+orphan.Name {
		t.Errorf("the objects with problems are %q, %v", out, err)
	}
}

func TestDoctorNotesWhatAViewerMayNotSee(t *testing.T) {
	t.Parallel()
	const viewer = "plugin-viewer"
	createObject(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: viewer},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: viewer}},
	})
	eventually(t, time.Minute, func(ctx context.Context) error {
		out, code, err := runPlugin(ctx, "doctor", "--as", viewer, "--as-group", "system:authenticated")
		switch {
		case err != nil:
			return err
		case code != 0 && code != 2: // the faults of other tests show in discovery
			return fmt.Errorf("exit code %d:\n%s", code, out)
		case strings.Count(out, "not permitted") != 1:
			return fmt.Errorf("what is not permitted is not in one line:\n%s", out)
		}
		return nil
	})
	_, _, err := runPlugin(t.Context(), "doctor", "v1.does-not-exist.example.com")
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 {
		t.Errorf("a name that nothing has: %v", err)
	}
}

func TestCheckPassesForASoundServer(t *testing.T) {
	t.Parallel()
	extensionAPI := faultServerAPI("contract", "contract.example.com", "v1")
	createUntilCleanup(t, extensionAPI)
	eventually(t, faultReported, isHealthy(extensionAPI))
	// kube-apiserver has the OpenAPI of a new server within a minute.
	eventually(t, 2*time.Minute, func(ctx context.Context) error {
		out, code, err := runPlugin(ctx, "check", "contract", "--load", "100", "-o", "tap")
		if err == nil && code != 0 {
			err = fmt.Errorf("exit code %d:\n%s", code, out)
		}
		return err
	})
	for _, pod := range connectedFirst(t, ownerLabel, "contract") {
		behave(t, pod, behaviour{NotServed: []string{"contract.example.com/v1"}})
	}
	eventually(t, time.Minute, func(ctx context.Context) error {
		out, code, err := runPlugin(ctx, "check", "contract")
		if err == nil && (code != 1 || !strings.Contains(out, "✘ discovery answers")) {
			err = fmt.Errorf("exit code %d:\n%s", code, out)
		}
		return err
	})
}
