// SPDX-License-Identifier: Apache-2.0

// Package uninstall tells whether the operator can go without leaving somebody in the lurch.
package uninstall

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Check returns an error if there are ExtensionAPIs: it names them and says what can be done. The command keep is what
// it recommends to whoever would rather keep the operator. In a cluster that does not know the kind there are none.
func Check(ctx context.Context, reader client.Reader, keep string) error {
	list := &v1alpha1.ExtensionAPIList{}
	if err := reader.List(ctx, list); err != nil && !meta.IsNoMatchError(err) {
		return fmt.Errorf("whether the operator can be uninstalled is not known: %w", err)
	}
	if len(list.Items) == 0 {
		return nil
	}
	return errors.New(refusal(list.Items, keep))
}

func refusal(extensionAPIs []v1alpha1.ExtensionAPI, keep string) string {
	return fmt.Sprintf(`The operator is not uninstalled, because there are ExtensionAPIs: %s.
Without an operator nobody renews their certificates or repairs their servers, and when one is deleted nothing happens.
Nothing has been changed yet. Do one of these:
- To have their servers taken down in order, delete them, and uninstall again:
    kubectl delete extensionapis --all
- To leave a server running without an ExtensionAPI, release it first, and uninstall again:
    kubectl patch extensionapi NAME --type merge -p '{"spec":{"deletionPolicy":"Orphan"}}'
    kubectl delete extensionapi NAME
- To leave everything as it is until the operator is installed again, which then carries on, uninstall with --no-hooks.
- To keep the operator, tell Helm, which takes it for half uninstalled and would not upgrade it:
    %s`, strings.Join(describe(extensionAPIs), ", "), keep)
}

func describe(extensionAPIs []v1alpha1.ExtensionAPI) []string {
	var described []string
	for i := range extensionAPIs {
		name := extensionAPIs[i].Name
		if !extensionAPIs[i].DeletionTimestamp.IsZero() {
			name += " (being deleted)"
		}
		described = append(described, name)
	}
	return described
}
