// SPDX-License-Identifier: Apache-2.0

// Package uninstall tells whether the operator can go without leaving somebody in the lurch.
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

// Check returns an error if there are ExtensionAPIs: it names them and says what can be done. The command keep is what
// it recommends to whoever would rather keep the operator. In a cluster that does not know the kind there are none.
func Check(ctx context.Context, reader client.Reader, keep string) error {
	list := &v1alpha1.ExtensionAPIList{}
	if err := listPatiently(ctx, reader, list); err != nil && !kinds.IsUnknown(err) {
		return fmt.Errorf("whether the operator can be uninstalled is not known: %w", err)
	}
	if len(list.Items) == 0 {
		return nil
	}
	return errors.New(refusal(list.Items, keep))
}

// rightsDelay is how long a kube-apiserver may take to learn of the right to list, which is as new as the hook.
const rightsDelay = 10 * time.Second

func listPatiently(ctx context.Context, reader client.Reader, list client.ObjectList) (err error) {
	_ = wait.PollUntilContextTimeout(ctx, time.Second, rightsDelay, true, func(ctx context.Context) (bool, error) {
		err = reader.List(ctx, list)
		return !apierrors.IsForbidden(err), nil
	})
	return err
}

// refusal is one line without quotation marks, as Helm shows it within a line of its own log.
func refusal(extensionAPIs []v1alpha1.ExtensionAPI, keep string) string {
	return fmt.Sprintf("the operator is not uninstalled, and nothing has been changed, because there are ExtensionAPIs: "+
		"%s. Without an operator nobody repairs their servers or renews their certificates, and one that is deleted stays. "+
		"Either delete them first, which takes their servers down in order: kubectl delete extensionapis --all; or, to "+
		"leave a server running for yourself to look after, set its spec.deletionPolicy to Orphan and delete it then; or "+
		"uninstall with --no-hooks, which leaves everything as it is until the operator is installed again and carries on. "+
		"To keep the operator, say so to Helm, which would not upgrade it any more: %s",
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
