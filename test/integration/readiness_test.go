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
	for name, takeAway := range map[string]func(*testing.T) (restore func()){
		"a permission is missing":    revokePermission,
		"its own CRD does not exist": deleteCRD,
	} {
		t.Run(name, func(t *testing.T) {
			restore := takeAway(t)
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
			restore()
			eventually(t, func() error {
				if !started.isReady() {
					return errors.New("the operator is not ready")
				}
				return nil
			})
		})
	}
}

// revokePermission revokes the permission to watch Pods.
func revokePermission(t *testing.T) (restore func()) {
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

func deleteCRD(t *testing.T) (restore func()) {
	t.Helper()
	crd := &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: in("", "extensionapis.aggregation.extensionapi.dev"),
	}
	key := client.ObjectKeyFromObject(crd)
	if err := plane.client.Get(ctx, key, crd); err != nil {
		t.Fatal(err)
	}
	deleteNow(t, crd)
	eventually(t, func() error { // kube-apiserver may serve the kind for a moment after its CRD is deleted
		err := plane.client.Get(ctx, key, &apiextensionsv1.CustomResourceDefinition{})
		served := plane.client.List(ctx, &v1alpha1.ExtensionAPIList{})
		if apierrors.IsNotFound(err) && apierrors.IsNotFound(served) {
			return nil
		}
		return errors.Join(err, served, errors.New("the CRD still exists"))
	})
	return func() {
		crd.ResourceVersion = ""
		create(t, crd)
	}
}
