// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	"maps"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func controlledBy(kind, name string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "v1", Kind: kind, Name: name, Controller: new(true)}}
}

func TestHoldersAreIdentifiedByTheirMarks(t *testing.T) {
	for want, object := range map[string]metav1.ObjectMeta{
		`ExtensionAPI "shop"`: {Labels: map[string]string{manifests.OwnerLabel: "shop", "olm.owner": "x"}},
		"Kubernetes itself (a built-in group)": {
			Labels: map[string]string{autoManagedLabel: "onstart", manifests.OwnerLabel: "shop"},
		},
		"Kubernetes itself (a CustomResourceDefinition that was just served)": {
			Labels: map[string]string{autoManagedLabel: "true"},
		},
		`the Operator Lifecycle Manager (ClusterServiceVersion "shop.v1")`: {
			Labels: map[string]string{"olm.owner": "shop.v1", "olm.owner.kind": "ClusterServiceVersion"},
		},
		`the Operator Lifecycle Manager (ClusterServiceVersion "shop.v2")`: {
			OwnerReferences: controlledBy("ClusterServiceVersion", "shop.v2"),
		},
		`Helm release "shop"`:      {Annotations: map[string]string{"meta.helm.sh/release-name": "shop"}},
		`Helm release "prod/shop"`: {Annotations: map[string]string{helmRelease: "shop", helmNamespace: "prod"}},
		`Deployment "shop"`:        {OwnerReferences: controlledBy("Deployment", "shop")},
		`Namespace "shop"`:         {OwnerReferences: []metav1.OwnerReference{{Kind: "Namespace", Name: "shop"}}},
		`another owner (last written by "kubectl")`: {ManagedFields: []metav1.ManagedFieldsEntry{
			{Manager: "argocd", Time: &metav1.Time{Time: noon}},
			{Manager: "kubectl", Time: &metav1.Time{Time: noon.Add(time.Hour)}},
			{Manager: "kube-apiserver", Subresource: "status", Time: &metav1.Time{Time: noon.Add(2 * time.Hour)}},
		}},
		"another owner": {},
	} {
		if got := Of(&object); got.Words != want {
			t.Errorf("%+v belongs to %s, want %s", object, got, want)
		}
	}
}

func TestHolderTextsArePrintableAndBounded(t *testing.T) {
	const hostile = "\x1b[2J\u202e\n"
	long := strings.Repeat("x", 1<<18)
	for _, object := range []*metav1.ObjectMeta{
		{Annotations: map[string]string{helmRelease: hostile + long, helmNamespace: hostile}},
		{OwnerReferences: controlledBy(hostile+long, hostile+long)},
		{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: hostile + long}}},
	} {
		words := Of(object).Words
		if len(words) > maxText || strings.ContainsAny(words, "\x1b\u202e\n") {
			t.Errorf("%d bytes: %q", len(words), words)
		}
	}
}

func TestRemoveMarksRemovesOnlyMarksOfOtherOwners(t *testing.T) {
	object := &metav1.ObjectMeta{
		OwnerReferences: controlledBy("ClusterServiceVersion", "shop.v1"),
		Labels:          map[string]string{"app": "shop", "olm.owner": "shop.v1", "operators.coreos.com/shop.prod": ""},
		Annotations: map[string]string{
			"note": "kept", "meta.helm.sh/release-name": "shop", "cert-manager.io/inject-ca-from-secret": "prod/shop",
		},
	}
	RemoveMarks(object)
	if len(object.OwnerReferences) > 0 || !maps.Equal(object.Labels, map[string]string{"app": "shop"}) ||
		!maps.Equal(object.Annotations, map[string]string{"note": "kept"}) {
		t.Errorf("left: %+v", object)
	}
	if marked, found := MarkedOwner(object); found {
		t.Errorf("it is still marked by %s", marked)
	}
}
