// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestKubectlApplyAcceptsTheCRD(t *testing.T) {
	t.Parallel()
	// The first apply stores the whole CRD in an annotation, which has a size limit.
	kubectl(t, "apply", "--filename", crdFile)
	if second := kubectl(t, "apply", "--filename", crdFile); !strings.Contains(second, "unchanged") {
		t.Errorf("the second apply prints %q", second)
	}
}

func TestKubectlGetWideShowsEveryGroup(t *testing.T) {
	t.Parallel()
	const name = "several-groups"
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Groups = slices.Concat(
		groups("a."+name+".example.com", "v1"), groups("b."+name+".example.com", "v1", "v2"))
	apply(t, extensionAPI)
	eventually(t, func() error {
		shown := kubectl(t, "get", "xapi", name, "--output", "wide")
		if !strings.Contains(shown, "a.several-groups.example.com,b.several-groups.example.com") {
			return fmt.Errorf("kubectl prints\n%s", shown)
		}
		return nil
	})
}

// The sample uses the group of another test, so no other test runs in parallel.
func TestKubectlApplyAcceptsTheSamples(t *testing.T) {
	for name, file := range map[string]string{"wardle": "wardle.yaml", "inventory": "existing-service.yaml"} {
		kubectl(t, "apply", "--filename", sampleFile(file))
		t.Cleanup(func() { remove(t, name) })
	}
	await(t, "wardle", status.InProgressStatus,
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonIssued),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRollingOut))
	await(t, "inventory", status.InProgressStatus,
		isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonUserProvided),
		isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonNamespaceNotFound,
			"kubectl create namespace inventory-system"))
}

// kubectl returns the output of the command, including errors and warnings.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	output, err := runKubectl(args...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

func runKubectl(args ...string) (string, error) {
	args = append([]string{"--kubeconfig", plane.kubeconfig, "--cache-dir", filepath.Join(plane.dir, "cache")}, args...)
	output, err := exec.CommandContext(ctx, program("kubectl"), args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return string(output), err
}
