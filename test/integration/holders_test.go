// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// claimHolder is somebody who may have version v1 of a group, which is named after the ExtensionAPI that wants it.
type claimHolder struct {
	// kind is part of names.
	kind string
	// come has the holder take what nobody has, and comeLater what is registered.
	come, comeLater func(t *testing.T, name string)
	// leave gives it up.
	leave func(t *testing.T, name string)
	// reason and words tell of the holder, laterReason and laterWords of one that comes later.
	reason, words, laterReason, laterWords string
}

var claimHolders = []claimHolder{
	{
		kind: "built-in", come: createAPIService(builtIn), comeLater: takeOverAPIService(builtIn), leave: deleteAPIService,
		reason: v1alpha1.ReasonHeldByBuiltInGroup, words: "Kubernetes itself (a built-in group)",
		laterReason: v1alpha1.ReasonHeldByBuiltInGroup, laterWords: "Kubernetes itself (a built-in group)",
	},
	{
		kind: "crd", come: createDefinition(true), comeLater: createDefinition(true), leave: deleteDefinition,
		reason: v1alpha1.ReasonHeldByCustomResourceDefinition, words: `CustomResourceDefinition "things.`,
		laterReason: v1alpha1.ReasonContested, laterWords: `the objects of CustomResourceDefinition "things.`,
	},
	{
		kind: "crd-not-served", come: createDefinition(false), comeLater: createDefinition(false), leave: deleteDefinition,
		reason: v1alpha1.ReasonHeldByCustomResourceDefinition, words: "has the version, but does not serve it now",
		laterReason: v1alpha1.ReasonContested, laterWords: "has the version, but does not serve it now",
	},
	{
		kind: "local", come: createAPIService(local), comeLater: takeOverAPIService(local), leave: deleteAPIService,
		reason: v1alpha1.ReasonHeldByLocalAPIService, words: "kube-apiserver, which serves it itself",
		laterReason: v1alpha1.ReasonHeldByLocalAPIService, laterWords: "names no Service",
	},
	{
		kind: "helm", come: createAPIService(ofHelm), comeLater: takeOverAPIService(ofHelm), leave: deleteAPIService,
		reason: v1alpha1.ReasonHeldByHelmRelease, words: `Helm release "prod/shop"`,
		laterReason: v1alpha1.ReasonHeldByHelmRelease, laterWords: `Helm release "prod/shop"`,
	},
	{
		kind: "olm", come: createAPIService(ofOLM), comeLater: takeOverAPIService(ofOLM), leave: deleteAPIService,
		reason: v1alpha1.ReasonHeldByOLM, words: `the Operator Lifecycle Manager (ClusterServiceVersion "shop.v1.2.3")`,
		laterReason: v1alpha1.ReasonHeldByOLM, laterWords: `ClusterServiceVersion "shop.v1.2.3"`,
	},
	{
		kind: "somebody", come: createAPIService(unmarked), comeLater: takeOverAPIService(unmarked), leave: deleteAPIService,
		reason: v1alpha1.ReasonHeldByOther, words: unknownHolder,
		laterReason: v1alpha1.ReasonHeldByOther, laterWords: "somebody else",
	},
	{
		kind: "older", come: createOlder, comeLater: nil, leave: deleteOlder,
		reason: v1alpha1.ReasonHeldByExtensionAPI, words: `ExtensionAPI "held-by-older-before-rival", which is older`,
	},
}

// What an APIService looks like that is somebody else's.

func builtIn(a *apiregistrationv1.APIService) {
	local(a)
	metav1.SetMetaDataLabel(&a.ObjectMeta, "kube-aggregator.kubernetes.io/automanaged", "onstart")
}

func local(a *apiregistrationv1.APIService) {
	a.Spec.Service, a.Spec.CABundle, a.Spec.InsecureSkipTLSVerify = nil, nil, false
}

func unmarked(*apiregistrationv1.APIService) {}

func ofHelm(a *apiregistrationv1.APIService) {
	a.ObjectMeta = ofRelease(a.ObjectMeta, "shop")
	metav1.SetMetaDataAnnotation(&a.ObjectMeta, "meta.helm.sh/release-namespace", "prod")
}

func ofOLM(a *apiregistrationv1.APIService) {
	metav1.SetMetaDataLabel(&a.ObjectMeta, "olm.owner", "shop.v1.2.3")
	metav1.SetMetaDataLabel(&a.ObjectMeta, "olm.owner.kind", "ClusterServiceVersion")
}

func createAPIService(mark func(*apiregistrationv1.APIService)) func(*testing.T, string) {
	return func(t *testing.T, name string) {
		t.Helper()
		apiService := otherAPIService(name+".example.com", "v1")
		// Nothing is behind it.
		apiService.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: "default", Name: "nothing"}
		apiService.Spec.InsecureSkipTLSVerify = true
		mark(apiService)
		create(t, apiService)
	}
}

// takeOverAPIService makes the registered APIService somebody else's in place, as if it had never been the operator's.
func takeOverAPIService(mark func(*apiregistrationv1.APIService)) func(*testing.T, string) {
	return func(t *testing.T, name string) {
		t.Helper()
		eventually(t, func() error {
			apiService := apiServiceOf(name)
			if err := plane.client.Get(ctx, client.ObjectKeyFromObject(apiService), apiService); err != nil {
				return err
			}
			delete(apiService.Labels, manifests.OwnerLabel)
			apiService.ManagedFields = []metav1.ManagedFieldsEntry{{}}
			mark(apiService)
			return plane.client.Update(ctx, apiService, client.FieldOwner(somebody))
		})
	}
}

func apiServiceOf(name string) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{ObjectMeta: in("", "v1."+name+".example.com")}
}

func deleteAPIService(t *testing.T, name string) {
	t.Helper()
	deleteNow(t, apiServiceOf(name))
}

func createDefinition(served bool) func(*testing.T, string) {
	return func(t *testing.T, name string) {
		t.Helper()
		definition := otherDefinition(name + ".example.com")
		definition.Spec.Versions[0].Served = served
		create(t, definition)
		if !served {
			return
		}
		eventually(t, func() error { // kube-apiserver registers it, unless somebody has
			apiService := apiServiceOf(name)
			return plane.client.Get(ctx, client.ObjectKeyFromObject(apiService), apiService)
		})
	}
}

func deleteDefinition(t *testing.T, name string) {
	t.Helper()
	deleteNow(t, otherDefinition(name+".example.com"))
}

// createOlder makes an ExtensionAPI that is not registered: its backend does not exist.
func createOlder(t *testing.T, name string) {
	t.Helper()
	older := (&backend{service: localService(name + "-rival"), signer: newSigner(t), port: 1}).
		declare(groups(name+".example.com", "v1"))
	apply(t, older)
	awaitNextSecond(t)
}

func deleteOlder(t *testing.T, name string) {
	t.Helper()
	remove(t, name+"-rival")
}
