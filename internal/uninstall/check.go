// SPDX-License-Identifier: Apache-2.0

// Package uninstall checks whether the operator can be uninstalled without leaving ExtensionAPIs unmanaged.
package uninstall

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

// Check returns an error if there are ExtensionAPIs, which lists them and the options. keep is the command that it
// recommends for keeping the operator. A cluster that does not serve the kind has no ExtensionAPIs.
func Check(ctx context.Context, reader client.Reader, keep string) error {
	list := &v1alpha1.ExtensionAPIList{}
	if err := listWithRetry(ctx, reader, list); err != nil && !kinds.IsUnknown(err) {
		return fmt.Errorf("cannot determine whether the operator can be uninstalled: %w", err)
	}
	if len(list.Items) == 0 {
		return nil
	}
	return errors.New(refusal(list.Items, keep))
}

// permissionDelay is how long a kube-apiserver may take to observe the permission to list, which is as new as the hook.
const permissionDelay = 10 * time.Second

func listWithRetry(ctx context.Context, reader client.Reader, list client.ObjectList) (err error) {
	_ = wait.PollUntilContextTimeout(ctx, time.Second, permissionDelay, true, func(ctx context.Context) (bool, error) {
		err = reader.List(ctx, list)
		return !apierrors.IsForbidden(err), nil
	})
	return err
}

// refusal returns one line without quotation marks, as Helm prints it within a line of its own log.
func refusal(extensionAPIs []v1alpha1.ExtensionAPI, keep string) string {
	return fmt.Sprintf("the operator is not uninstalled, and nothing has been changed, because there are ExtensionAPIs: "+
		"%s. Without the operator their servers are not repaired, their certificates are not renewed, and deleted "+
		"ExtensionAPIs are not removed. Either delete them first, which removes their servers in order: kubectl delete "+
		"extensionapis --all; or, to keep a server running without the operator, set its spec.deletionPolicy to Orphan and "+
		"then delete it; or uninstall with --no-hooks, which leaves everything as it is until the operator is installed "+
		"again. To keep the operator, run this, or Helm will no longer upgrade it: %s",
		strings.Join(describe(extensionAPIs), ", "), keep)
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
