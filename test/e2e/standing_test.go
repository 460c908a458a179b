// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// standing is the state that must survive all operators: the CRD, each ExtensionAPI and since when it has been Ready,
// so that even a short interruption is detected, and the APIServices.
type standing map[string]string

func standingNow(t *testing.T) standing {
	t.Helper()
	const definition = "extensionapis.aggregation.extensionapi.dev"
	found := standing{}
	note := func(object client.Object, kind, state string) {
		found[kind+" "+object.GetName()] = fmt.Sprintf("UID %s %s", object.GetUID(), state)
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := kube.Get(t.Context(), client.ObjectKey{Name: definition}, crd); err != nil {
		t.Fatal(err)
	}
	note(crd, "CustomResourceDefinition", "")
	extensionAPIs := list(t, &v1alpha1.ExtensionAPIList{})
	for i := range extensionAPIs.Items {
		extensionAPI := &extensionAPIs.Items[i]
		ready := conditionOf(extensionAPI, v1alpha1.ConditionReady)
		note(extensionAPI, "ExtensionAPI", fmt.Sprintf("Ready=%s since %s", ready.Status, ready.LastTransitionTime))
	}
	apiServices := list(t, &apiregistrationv1.APIServiceList{}, client.HasLabels{ownerLabel})
	for i := range apiServices.Items {
		note(&apiServices.Items[i], "APIService", "")
	}
	return found
}

// withPods adds the servers' Pods, which a change of only the operator must not affect.
func (s standing) withPods(t *testing.T) standing {
	t.Helper()
	for _, pod := range list(t, &corev1.PodList{}, client.HasLabels{ownerLabel}).Items {
		s["Pod "+pod.Name] = fmt.Sprintf("UID %s restarts %d", pod.UID, pod.Status.ContainerStatuses[0].RestartCount)
	}
	return s
}

func (s standing) mustBe(t *testing.T, before standing) {
	t.Helper()
	all := maps.Clone(s)
	maps.Copy(all, before)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if s[name] != before[name] {
			t.Errorf("%s was %q before and is %q now", name, before[name], s[name])
		}
	}
}

func list[L client.ObjectList](t *testing.T, found L, options ...client.ListOption) L {
	t.Helper()
	if err := kube.List(t.Context(), found, options...); err != nil {
		t.Fatal(err)
	}
	return found
}
