// SPDX-License-Identifier: Apache-2.0

// Package holders is everybody who may have a group-version that an ExtensionAPI wants, for tests.
package holders

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// Holder is somebody who may have version v1 of the group NAME.example.com.
type Holder struct {
	// Kind is part of names.
	Kind string
	// Come has the holder take what nobody has, and ComeLater what is registered.
	Come, ComeLater Deed
	// Leave gives it up.
	Leave Deed
	// Reason and Words tell of the holder.
	Reason, Words string
	// HasGroup reports whether others get no other version of the group either.
	HasGroup bool
	// Contests tells that what is registered stays so when the holder comes later.
	Contests bool
	// Yields tells that the holder gets nothing when it comes later; it is ExtensionAPI Rival, which Come has made.
	Yields bool
}

// Rival is the name of the ExtensionAPI that wants the same as the ExtensionAPI of this name.
func Rival(name string) string { return name + "-rival" }

// NextSecond returns a check that succeeds when what is created then is younger than what was created before.
func NextSecond() func() error {
	now := time.Now().Unix()
	return func() error {
		if time.Now().Unix() == now {
			return fmt.Errorf("it is still second %d", now)
		}
		return nil
	}
}

// CheckStatus returns an error unless v1 is told to be somebody else's, and the other versions are served.
func CheckStatus(told v1alpha1.ExtensionAPIStatus) error {
	for _, apiService := range told.APIServices {
		isHeld, isServed := apiService.HeldBy != nil, apiService.Available == metav1.ConditionTrue
		if wanted := strings.HasPrefix(apiService.Name, "v1."); isHeld != wanted || isServed == wanted {
			return fmt.Errorf("APIService %s is available: %s, held by: %v", apiService.Name, apiService.Available,
				apiService.HeldBy)
		}
	}
	return nil
}

// Deed is something that a holder does to v1.NAME.example.com.
type Deed func(ctx context.Context, cluster client.Client, name string) error

// somebody is the field manager of holders, who is not the operator.
var somebody = client.FieldOwner("somebody")

// All are the kinds of holders.
var All = []Holder{
	withGroup(apiService("built-in", BuiltIn, v1alpha1.ReasonHeldByBuiltInGroup, "Kubernetes itself (a built-in group)")),
	definition("crd", true, `CustomResourceDefinition "things.`),
	definition("crd-not-served", false, "which has the version, but does not serve it now"),
	withGroup(apiService("local", Local, v1alpha1.ReasonHeldByLocalAPIService, "kube-apiserver, which serves it itself")),
	apiService("helm", OfHelm, v1alpha1.ReasonHeldByHelmRelease, `Helm release "prod/shop"`),
	apiService("olm", OfOLM, v1alpha1.ReasonHeldByOLM, `the Operator Lifecycle Manager (ClusterServiceVersion "shop.v1")`),
	apiService("somebody", unmarked, v1alpha1.ReasonHeldByOther, "another owner"),
	{
		Kind: "older", Come: createOlder, ComeLater: haveOlderWant("v1"), Leave: haveOlderWant("v9"), Yields: true,
		Reason: v1alpha1.ReasonHeldByExtensionAPI, Words: "-rival\", which is older", HasGroup: true,
	},
}

func apiService(kind string, mark func(*apiregistrationv1.APIService), reason, words string) Holder {
	return Holder{
		Kind: kind, Come: createAPIService(mark), ComeLater: takeOverAPIService(mark), Leave: deleteAPIService,
		Reason: reason, Words: words,
	}
}

func definition(kind string, served bool, words string) Holder {
	return Holder{
		Kind: kind, Come: createDefinition(served), ComeLater: createDefinition(served), Leave: DeleteDefinition,
		Reason: v1alpha1.ReasonHeldByCustomResourceDefinition, Words: words, Contests: true, HasGroup: true,
	}
}

func withGroup(h Holder) Holder {
	h.HasGroup = true
	return h
}

// BuiltIn marks an APIService as kube-apiserver's own.
func BuiltIn(a *apiregistrationv1.APIService) {
	Local(a)
	metav1.SetMetaDataLabel(&a.ObjectMeta, "kube-aggregator.kubernetes.io/automanaged", "onstart")
}

// Local has kube-apiserver serve it itself.
func Local(a *apiregistrationv1.APIService) {
	a.Spec.Service, a.Spec.CABundle, a.Spec.InsecureSkipTLSVerify = nil, nil, false
}

// OfHelm marks an APIService as that of a release.
func OfHelm(a *apiregistrationv1.APIService) {
	metav1.SetMetaDataAnnotation(&a.ObjectMeta, "meta.helm.sh/release-name", "shop")
	metav1.SetMetaDataAnnotation(&a.ObjectMeta, "meta.helm.sh/release-namespace", "prod")
}

// OfOLM marks an APIService as that of a ClusterServiceVersion.
func OfOLM(a *apiregistrationv1.APIService) {
	metav1.SetMetaDataLabel(&a.ObjectMeta, "olm.owner", "shop.v1")
	metav1.SetMetaDataLabel(&a.ObjectMeta, "olm.owner.kind", "ClusterServiceVersion")
}

func unmarked(*apiregistrationv1.APIService) {}

// APIService is that of NAME.example.com/v1.
func APIService(name string) *apiregistrationv1.APIService {
	return APIServiceOf(schema.GroupVersion{Group: name + ".example.com", Version: "v1"})
}

// APIServiceOf is one behind which there is nothing.
func APIServiceOf(groupVersion schema.GroupVersion) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: groupVersion.Version + "." + groupVersion.Group},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: groupVersion.Group, Version: groupVersion.Version, GroupPriorityMinimum: 100, VersionPriority: 10,
			Service:               &apiregistrationv1.ServiceReference{Namespace: "default", Name: "nothing"},
			InsecureSkipTLSVerify: true,
		},
	}
}

func createAPIService(mark func(*apiregistrationv1.APIService)) Deed {
	return func(ctx context.Context, cluster client.Client, name string) error {
		created := APIService(name)
		mark(created)
		return cluster.Create(ctx, created, somebody)
	}
}

// takeOverAPIService makes the registered APIService somebody else's in place, as if it had never been the operator's.
func takeOverAPIService(mark func(*apiregistrationv1.APIService)) Deed {
	return func(ctx context.Context, cluster client.Client, name string) error {
		taken := APIService(name)
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(taken), taken); err != nil {
			return err
		}
		delete(taken.Labels, manifests.OwnerLabel)
		delete(taken.Annotations, manifests.UIDAnnotation)
		taken.ManagedFields = []metav1.ManagedFieldsEntry{{}} // empties them
		mark(taken)
		return cluster.Update(ctx, taken, somebody)
	}
}

func deleteAPIService(ctx context.Context, cluster client.Client, name string) error {
	return cluster.Delete(ctx, APIService(name))
}

// Definition has version v1 of the group NAME.example.com.
func Definition(name string) *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "things." + name + ".example.com"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: name + ".example.com",
			Scope: apiextensionsv1.ClusterScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "things", Kind: "Thing"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{
					OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object"},
				},
			}},
		},
	}
}

func createDefinition(served bool) Deed {
	return func(ctx context.Context, cluster client.Client, name string) error {
		created := Definition(name)
		created.Spec.Versions[0].Served = served
		return cluster.Create(ctx, created, somebody)
	}
}

// DeleteDefinition succeeds when the definition is gone.
func DeleteDefinition(ctx context.Context, cluster client.Client, name string) error {
	definition := Definition(name)
	if err := cluster.Get(ctx, client.ObjectKeyFromObject(definition), definition); err != nil {
		return client.IgnoreNotFound(err)
	}
	var err error
	switch {
	case definition.DeletionTimestamp.IsZero():
		err = cluster.Delete(ctx, definition)
	case hasFailedToEnd(definition):
		metav1.SetMetaDataAnnotation(&definition.ObjectMeta, "example.com/tried-at", definition.ResourceVersion)
		err = cluster.Update(ctx, definition, somebody)
	}
	return errors.Join(err, fmt.Errorf("CustomResourceDefinition %s is still there", definition.Name))
}

// hasFailedToEnd tells that kube-apiserver could not look for the definition's objects, as when their storage is not
// ready yet. It may then take until the definition changes, or five minutes, before it tries again
// (apiextensions-apiserver pkg/controller/finalizer).
func hasFailedToEnd(definition *apiextensionsv1.CustomResourceDefinition) bool {
	condition := apihelpers.FindCRDCondition(definition, apiextensionsv1.Terminating)
	return condition != nil && condition.Reason == "InstanceDeletionFailed"
}

// createOlder makes an ExtensionAPI that cannot be registered, since its server's namespace does not exist.
func createOlder(ctx context.Context, cluster client.Client, name string) error {
	return cluster.Create(ctx, older(name))
}

// haveOlderWant has it want another version, which makes it no younger.
func haveOlderWant(version string) Deed {
	return func(ctx context.Context, cluster client.Client, name string) error {
		rival := older(name)
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(rival), rival); err != nil {
			return err
		}
		rival.Spec.Groups[0].Versions[0].Name = version
		return cluster.Update(ctx, rival)
	}
}

func older(name string) *v1alpha1.ExtensionAPI {
	return &v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: Rival(name)},
		Spec: v1alpha1.ExtensionAPISpec{
			Groups: []v1alpha1.APIGroup{{Name: name + ".example.com", Versions: []v1alpha1.APIVersion{{Name: "v1"}}}},
			Server: &v1alpha1.Server{
				Namespace: Rival(name),
				Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
					Containers: []corev1.Container{{Name: v1alpha1.ServerContainer, Image: "nothing"}},
				}},
			},
		},
	}
}
