// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/test/soak"
)

// None of these faults affects the APIs, so nothing is excused.

const unrelatedGroup = "soak-unrelated.example.org"

func componentKilled(name string) cause {
	return func(t *testing.T, _ *soaking, step soak.Step) {
		t.Helper()
		killComponent(t, name)
		patiently(t, time.Minute, func(ctx context.Context) error {
			_, err := listExtensionAPIs(ctx)
			return err
		})
		pause(t, step.For)
	}
}

// operatorKilled kills so many replicas, the leader first. Its Lease is not released: it expires, as when a node is
// lost.
func operatorKilled(replicas int) cause {
	return func(t *testing.T, _ *soaking, _ soak.Step) {
		t.Helper()
		doomed := victims(t)[:replicas]
		for _, pod := range doomed {
			killProcess(t, pod)
		}
		for _, pod := range doomed {
			patiently(t, time.Minute, func(ctx context.Context) error {
				return client.IgnoreNotFound(kube.Delete(ctx, pod.DeepCopy(), client.GracePeriodSeconds(0)))
			})
		}
		victims(t) // until both run again
	}
}

// upgraded replaces the operator's Pods by Helm, which fails when it meets a kube-apiserver that is going down, and
// leaves its release pending when it is interrupted.
func upgraded(t *testing.T, _ *soaking, step soak.Step) {
	t.Helper()
	patiently(t, faultReported, func(ctx context.Context) error {
		pending := &corev1.SecretList{}
		err := kube.List(ctx, pending, client.InNamespace(operatorNamespace),
			client.MatchingLabels{"owner": "helm", "status": "pending-upgrade"})
		for i := range pending.Items {
			err = errors.Join(err, kube.Delete(ctx, &pending.Items[i]))
		}
		if err != nil {
			return err
		}
		_, err = runHelm(ctx, "upgrade", operatorName, "charts/"+operatorName, "--reuse-values", "--wait",
			"--timeout", "2m", "--force-conflicts", "--set-string", "podAnnotations.soak="+step.At.String())
		return err
	})
}

func definitionComesAndGoes(t *testing.T, _ *soaking, step soak.Step) {
	t.Helper()
	isAny := true
	comesAndGoes(t, step, &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "gadgets." + unrelatedGroup},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: unrelatedGroup,
			Names: apiextensionsv1.CustomResourceDefinitionNames{
				Plural: "gadgets", Singular: "gadget", Kind: "Gadget", ListKind: "GadgetList",
			},
			Scope: apiextensionsv1.ClusterScoped,
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{
					Type: "object", XPreserveUnknownFields: &isAny,
				}},
			}},
		},
	})
}

// apiServiceComesAndGoes creates one without a server: of another owner, it blocks the deletion of namespaces.
func apiServiceComesAndGoes(t *testing.T, _ *soaking, step soak.Step) {
	t.Helper()
	comesAndGoes(t, step, &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: "v1." + unrelatedGroup},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: unrelatedGroup, Version: "v1", GroupPriorityMinimum: 100, VersionPriority: 100,
			Service: &apiregistrationv1.ServiceReference{
				Namespace: metav1.NamespaceDefault, Name: "soak-missing",
			},
			InsecureSkipTLSVerify: true,
		},
	})
}

func comesAndGoes(t *testing.T, step soak.Step, object client.Object) {
	t.Helper()
	vanish := func(ctx context.Context) error {
		err := client.IgnoreNotFound(kube.Delete(ctx, object))
		return errors.Join(err, client.IgnoreNotFound(stillExists(ctx, object)))
	}
	t.Cleanup(func() { _ = vanish(context.WithoutCancel(t.Context())) })
	patiently(t, time.Minute, func(ctx context.Context) error {
		object.SetResourceVersion("")
		return client.IgnoreAlreadyExists(kube.Create(ctx, object))
	})
	pause(t, step.For)
	patiently(t, time.Minute, vanish)
}

// namespaceDeleted creates and deletes a namespace, which is gone when no server blocks its deletion.
func namespaceDeleted(t *testing.T, _ *soaking, step soak.Step) {
	t.Helper()
	const name = "e2e-soak-bystander"
	patiently(t, time.Minute, func(ctx context.Context) error {
		return client.IgnoreAlreadyExists(kube.Create(ctx, restricted(name)))
	})
	pause(t, step.For)
	patiently(t, time.Minute, deleted(name))
	progress("  %s: gone after %s", step, patiently(t, calm, namespaceGone(name)))
}
