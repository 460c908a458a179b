// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"slices"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// TestOperatorIsReadyWhenItsCachesAreSynced uses a dedicated control plane, so no other test runs in parallel.
func TestOperatorIsReadyWhenItsCachesAreSynced(t *testing.T) {
	useAnotherControlPlane(t)
	for name, takeAway := range map[string]func(*testing.T) (giveBack func()){
		"a permission is missing":    takeRight,
		"its own CRD does not exist": takeDefinition,
	} {
		t.Run(name, func(t *testing.T) {
			giveBack := takeAway(t)
			started, err := launchOperator(plane, leaseTimes{}, installed)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(started.stop)
			running = started
			expectClosed(t, started.elected, "the operator does not start")
			consistently(t, func() error {
				if started.isReady() {
					return errors.New("the operator is ready")
				}
				return nil
			})
			giveBack()
			eventually(t, func() error {
				if !started.isReady() {
					return errors.New("the operator is not ready")
				}
				return nil
			})
		})
	}
}

// takeRight revokes the permission to watch Pods.
func takeRight(t *testing.T) (giveBack func()) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: in("", operatorAccount)}
	if err := plane.client.Get(ctx, client.ObjectKeyFromObject(role), role); err != nil {
		t.Fatal(err)
	}
	rules := role.Rules
	watchPods := authorizationv1.ResourceAttributes{Verb: "watch", Resource: "pods"}
	change(t, role, func(role *rbacv1.ClusterRole) {
		role.Rules = slices.DeleteFunc(slices.Clone(rules), func(rule rbacv1.PolicyRule) bool {
			return slices.Contains(rule.Resources, "pods")
		})
	})
	awaitRight(t, false, operatorNamespace, operatorAccount, watchPods)
	return func() { change(t, role, func(role *rbacv1.ClusterRole) { role.Rules = rules }) }
}

func takeDefinition(t *testing.T) (giveBack func()) {
	t.Helper()
	definition := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: in("", "extensionapis.aggregation.extensionapi.dev"),
	}
	key := client.ObjectKeyFromObject(definition)
	if err := plane.client.Get(ctx, key, definition); err != nil {
		t.Fatal(err)
	}
	deleteNow(t, definition)
	eventually(t, func() error { // kube-apiserver may serve the kind for a moment after its CRD is deleted
		err := plane.client.Get(ctx, key, &apiextensionsv1.CustomResourceDefinition{})
		served := plane.client.List(ctx, &v1alpha1.ExtensionAPIList{})
		if apierrors.IsNotFound(err) && apierrors.IsNotFound(served) {
			return nil
		}
		return errors.Join(err, served, errors.New("the CRD still exists"))
	})
	return func() {
		definition.ResourceVersion = ""
		create(t, definition)
	}
}
