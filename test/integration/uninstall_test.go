// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/uninstall"
	"github.com/extensionapi/extensionapi-operator/test/installation"
)

func TestUninstallCheckFailsWhileExtensionAPIsExist(t *testing.T) {
	t.Parallel()
	alone, err := startControlPlane("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = alone.stop() })
	alone.installHook(t)
	check := func() error {
		checker, err := client.New(impersonate(alone, uninstallCheck),
			client.Options{Scheme: kinds.Scheme(), Mapper: kinds.Mapper()})
		return errors.Join(err, uninstall.Check(ctx, checker, "helm rollback it 3"))
	}
	if err := check(); err != nil {
		t.Errorf("the check fails without an ExtensionAPI: %v", err)
	}

	needing := served("needing")
	if err := alone.client.Create(ctx, needing); err != nil {
		t.Fatal(err)
	}
	refused := check()
	troubleshooting.Check(t, "uninstallation-refused", fmt.Sprint(refused))
	for _, words := range []string{
		"there are ExtensionAPIs: needing.", "kubectl delete extensionapis --all", "--no-hooks", "helm rollback it 3",
	} {
		if refused == nil || !strings.Contains(refused.Error(), words) {
			t.Errorf("the error with an ExtensionAPI lacks %q: %v", words, refused)
		}
	}

	crd := &apiextensionsv1.CustomResourceDefinition{}
	crd.Name = "extensionapis." + v1alpha1.GroupVersion.Group
	if err := alone.client.Delete(ctx, crd); err != nil {
		t.Fatal(err)
	}
	eventually(t, check)
}

const uninstallCheck = "extensionapi-operator-uninstall-check"

// installHook grants the uninstall check its permissions, as Helm does before it runs the check.
func (p *controlPlane) installHook(t *testing.T) {
	t.Helper()
	rendered := p.helm(t, helm, "template", "extensionapi-operator", chart,
		"--show-only", "templates/uninstall_check.yaml")
	if err := installation.Create(ctx, p.client, strings.NewReader(rendered), operatorNamespace); err != nil {
		t.Fatal(err)
	}
}
