// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/e2e-framework/klient/wait"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// madeForWardle lists all objects that the operator creates for the sample.
var madeForWardle = []string{
	"apiservices.apiregistration.k8s.io /v1alpha1.wardle.example.com",
	"apiservices.apiregistration.k8s.io /v1beta1.wardle.example.com",
	"clusterrolebindings.rbac.authorization.k8s.io /extensionapi:wardle:auth-delegator",
	"clusterrolebindings.rbac.authorization.k8s.io /extensionapi:wardle:server",
	"deployments.apps wardle-system/wardle",
	"poddisruptionbudgets.policy wardle-system/wardle",
	"rolebindings.rbac.authorization.k8s.io kube-system/extensionapi:wardle:auth-reader",
	"secrets extensionapi-system/wardle-trust",
	"secrets wardle-system/wardle-serving-cert",
	"serviceaccounts wardle-system/wardle",
	"services wardle-system/wardle",
}

func TestDeletedObjectsAreRecreated(t *testing.T) {
	extensionAPI := wardle(t, sampleNamespace)
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	made := madeByOperator(t)
	if have := slices.Sorted(maps.Keys(made)); !slices.Equal(have, madeForWardle) {
		t.Errorf("the operator created\n%q\nwant\n%q", have, madeForWardle)
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		t.Run(name, func(t *testing.T) {
			lost := made[name]
			resource := names.Resource(lost.GroupVersionResource).Namespace(lost.Namespace)
			if err := resource.Delete(t.Context(), lost.Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			t.Logf("recreated after %s", eventually(t, 10*time.Second, back(lost)))
			eventually(t, time.Minute, served("v1beta1", "v1alpha1"))
			// If the CA is lost, all certificates are replaced, which takes a while; requests are served in the meantime.
			t.Logf("healthy after another %s", eventually(t, 10*time.Minute, healthy(extensionAPI)))
		})
	}
	// Authentication and authorization results are cached for ten seconds, which could hide lost permissions.
	stays(t, 20*time.Second, served("v1beta1", "v1alpha1"))
}

// stays fails the test if check fails at any time before duration has passed.
func stays(t *testing.T, duration time.Duration, check func(context.Context) error) {
	t.Helper()
	err := wait.For(func(ctx context.Context) (bool, error) { return false, check(ctx) },
		wait.WithContext(t.Context()), wait.WithTimeout(duration), wait.WithInterval(time.Second))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// madeByOperator returns the objects with the owner label, except those that Kubernetes derives from them with the same
// labels.
func madeByOperator(tb testing.TB) inventory {
	tb.Helper()
	var made inventory
	eventually(tb, time.Minute, func(ctx context.Context) (err error) { // discovery of the new group may still be stale
		made, err = takeInventory(ctx, ownerLabel)
		return err
	})
	maps.DeleteFunc(made, func(_ string, o object) bool {
		return len(o.OwnerReferences) > 0 || o.Resource == "endpoints"
	})
	return made
}

// back succeeds when a new object has replaced the lost one.
func back(lost object) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := names.Resource(lost.GroupVersionResource).Namespace(lost.Namespace).
			Get(ctx, lost.Name, metav1.GetOptions{})
		if err == nil && current.UID == lost.UID {
			err = fmt.Errorf("%s is still the deleted object", lost)
		}
		return err
	}
}

// healthy succeeds when the Deployment is complete, the ExtensionAPI is Ready and its API can be used.
func healthy(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := deployment(ctx)
		if err != nil {
			return err
		}
		if available := current.Status.AvailableReplicas; available != *extensionAPI.Spec.Server.Replicas {
			return fmt.Errorf("%d Pods are available", available)
		}
		return errors.Join(ready(extensionAPI)(ctx), served("v1beta1", "v1alpha1")(ctx))
	}
}
