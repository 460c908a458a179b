// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// withoutRights are the periods from an uninstallation, which deletes the operator's permissions before the operator,
// to the end of the next installation.
var withoutRights periods

type periods []struct{ from, to time.Time }

func (p *periods) begin() { *p = append(*p, struct{ from, to time.Time }{from: time.Now()}) }

func (p *periods) end() {
	if last := len(*p) - 1; last >= 0 {
		(*p)[last].to = time.Now()
	}
}

func (p *periods) includes(request auditv1.Event) bool {
	sent := request.RequestReceivedTimestamp.Time
	for _, period := range *p {
		if sent.After(period.from) && sent.Before(period.to) {
			return true
		}
	}
	return false
}

// TestUninstallKeepsServersAvailable temporarily uninstalls the operator, so no other test runs in parallel.
func TestUninstallKeepsServersAvailable(t *testing.T) {
	install := installer(t)
	extensionAPI := wardle(t, sampleNamespace)
	create(t, extensionAPI)
	t.Cleanup(func() { install(context.WithoutCancel(t.Context())) }) // runs before the cleanup of create
	eventually(t, time.Minute, ready(extensionAPI))

	t.Run("is refused while there are ExtensionAPIs", func(t *testing.T) { expectRefusal(t, extensionAPI) })
	t.Run("can be undone as the error says", func(t *testing.T) {
		install(t.Context())
		if err := errors.Join(ready(extensionAPI)(t.Context()), served("v1beta1", "v1alpha1")(t.Context())); err != nil {
			t.Error(err)
		}
	})
	t.Run("without hooks leaves everything served", func(t *testing.T) {
		withoutRights.begin()
		helm(t, "uninstall", operatorName, "--no-hooks", "--wait")
		stays(t, 5*time.Second, served("v1beta1", "v1alpha1"))
	})
	t.Run("lets the next operator finish what was requested in the meantime", func(t *testing.T) {
		if err := kube.Delete(t.Context(), extensionAPI); err != nil {
			t.Fatal(err)
		}
		if err := served("v1beta1", "v1alpha1")(t.Context()); err != nil {
			t.Error(err)
		}
		install(t.Context())
		t.Logf("gone after %s", eventually(t, time.Minute, gone(extensionAPI)))
	})
	t.Run("keeps only the CRD when there is no ExtensionAPI", func(t *testing.T) {
		withoutRights.begin()
		helm(t, "uninstall", operatorName, "--wait")
		eventually(t, time.Minute, func(ctx context.Context) error {
			return errors.Join(nothingMatches(ctx, "app.kubernetes.io/instance="+operatorName), nothingMatches(ctx, ownerLabel))
		})
	})
}

// expectRefusal expects an error of the chart's hook, and follows its instructions to keep the operator.
func expectRefusal(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	start := time.Now()
	printed, err := runHelm(t.Context(), "uninstall", operatorName, "--wait")
	if err == nil {
		t.Fatal("the operator was uninstalled although there is an ExtensionAPI")
	}
	t.Logf("refused after %s: %s\n%v", time.Since(start).Round(100*time.Millisecond), printed, err)
	said := printed + err.Error()
	for _, words := range []string{
		"there are ExtensionAPIs: wardle.", "kubectl delete extensionapis --all", "uninstall with --no-hooks",
	} {
		if !strings.Contains(said, words) {
			t.Errorf("the error lacks %q", words)
		}
	}
	if err := errors.Join(ready(extensionAPI)(t.Context()), served("v1beta1", "v1alpha1")(t.Context())); err != nil {
		t.Error(err)
	}
	rollback := regexp.MustCompile(`helm (rollback \S+ \d+) --namespace ` + operatorNamespace).FindStringSubmatch(said)
	if rollback == nil {
		t.Fatal("the error does not say how to keep the operator")
	}
	helm(t, strings.Fields(rollback[1])...)
}

// installer returns a function that installs the operator as it is currently installed.
func installer(t *testing.T) func(context.Context) {
	t.Helper()
	values := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(values, []byte(helm(t, "get", "values", operatorName, "--output", "yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) {
		t.Helper()
		_, err := runHelm(ctx, "upgrade", "--install", operatorName, "charts/"+operatorName, "--values", values, "--wait",
			"--take-ownership", "--force-conflicts")
		if err != nil {
			t.Fatal(err)
		}
		withoutRights.end()
	}
}

// nothingMatches succeeds when no object matches the selector, except for the CRD, which the chart's value crds.keep
// keeps.
func nothingMatches(ctx context.Context, selector string) error {
	left, err := takeInventory(ctx, selector)
	delete(left, "customresourcedefinitions.apiextensions.k8s.io /extensionapis.aggregation.extensionapi.dev")
	if len(left) > 0 {
		err = errors.Join(err, fmt.Errorf("left behind: %q", slices.Collect(maps.Keys(left))))
	}
	return err
}

// helm runs Helm on the operator's namespace and returns its standard output.
func helm(t *testing.T, args ...string) string {
	t.Helper()
	printed, err := runHelm(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return printed
}

func runHelm(ctx context.Context, args ...string) (string, error) {
	return output(ctx, "bin/tools/helm", append(args, "--namespace", operatorNamespace, "--kubeconfig", kubeconfig)...)
}
