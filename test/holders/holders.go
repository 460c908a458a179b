// SPDX-License-Identifier: Apache-2.0

// Package holders provides, for tests, all kinds of owners that may hold a group-version that an ExtensionAPI claims.
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

// Holder is another owner that may hold version v1 of the group NAME.example.com.
type Holder struct {
	// Kind is part of names.
	Kind string
	// Claim makes the holder claim a group-version that has no owner, and TakeOver one that is already registered.
	Claim, TakeOver Action
	// Release removes the claim.
	Release Action
	// Reason and Message of the condition that reports the holder; Message is a part of it.
	Reason, Message string
	// HasGroup reports whether the holder also prevents other owners from registering other versions of the group.
	HasGroup bool
	// Contests reports whether a registered group-version stays registered when the holder claims it later.
	Contests bool
	// Yields reports whether the holder does not get a group-version that is already registered. It is the ExtensionAPI
	// Rival, which Claim creates.
	Yields bool
}

// Rival returns the name of the ExtensionAPI that claims the same group-version as the ExtensionAPI of this name.
func Rival(name string) string { return name + "-rival" }

// NextSecond returns a check that succeeds as soon as new objects have a later creationTimestamp than existing ones.
func NextSecond() func() error {
	now := time.Now().Unix()
	return func() error {
		if time.Now().Unix() == now {
			return fmt.Errorf("it is still second %d", now)
		}
		return nil
	}
}

// CheckStatus returns an error unless v1 is reported as held by another owner, and the other versions are available.
func CheckStatus(status v1alpha1.ExtensionAPIStatus) error {
	for _, apiService := range status.APIServices {
		isHeld, isServed := apiService.HeldBy != nil, apiService.Available == metav1.ConditionTrue
		if wanted := strings.HasPrefix(apiService.Name, "v1."); isHeld != wanted || isServed == wanted {
			return fmt.Errorf("APIService %s is available: %s, held by: %v", apiService.Name, apiService.Available,
				apiService.HeldBy)
		}
	}
	return nil
}

// Action is an action of a holder on v1.NAME.example.com.
type Action func(ctx context.Context, cluster client.Client, name string) error

// fieldOwner is the field manager of holders, which is not that of the operator.
var fieldOwner = client.FieldOwner("another-controller")

// All lists all kinds of holders.
var All = []Holder{
	withGroup(apiService("built-in", BuiltIn, v1alpha1.ReasonHeldByBuiltInGroup, "Kubernetes itself (a built-in group)")),
	crd("crd", true, `CustomResourceDefinition "things.`),
	crd("crd-not-served", false, "which has the version, but does not serve it now"),
	withGroup(apiService("local", Local, v1alpha1.ReasonHeldByLocalAPIService, "kube-apiserver, which serves it itself")),
	apiService("helm", OfHelm, v1alpha1.ReasonHeldByHelmRelease, `Helm release "prod/shop"`),
	apiService("olm", OfOLM, v1alpha1.ReasonHeldByOLM, `the Operator Lifecycle Manager (ClusterServiceVersion "shop.v1")`),
	apiService("other", unmarked, v1alpha1.ReasonHeldByOther, "another owner"),
	{
		Kind: "older", Claim: createOlder, TakeOver: setClaimOfOlder("v1"), Release: setClaimOfOlder("v9"), Yields: true,
		Reason: v1alpha1.ReasonHeldByExtensionAPI, Message: "-rival\", which is older", HasGroup: true,
	},
}

func apiService(kind string, mark func(*apiregistrationv1.APIService), reason, message string) Holder {
	return Holder{
		Kind: kind, Claim: createAPIService(mark), TakeOver: takeOverAPIService(mark), Release: deleteAPIService,
		Reason: reason, Message: message,
	}
}

func crd(kind string, served bool, message string) Holder {
	return Holder{
		Kind: kind, Claim: createCRD(served), TakeOver: createCRD(served), Release: DeleteCRD,
		Reason: v1alpha1.ReasonHeldByCustomResourceDefinition, Message: message, Contests: true, HasGroup: true,
	}
}

func withGroup(h Holder) Holder {
	h.HasGroup = true
	return h
}

// BuiltIn marks an APIService as one of a group that is built into Kubernetes.
func BuiltIn(a *apiregistrationv1.APIService) {
	Local(a)
	metav1.SetMetaDataLabel(&a.ObjectMeta, "kube-aggregator.kubernetes.io/automanaged", "onstart")
}

// Local makes an APIService local, that is, served by kube-apiserver itself.
func Local(a *apiregistrationv1.APIService) {
	a.Spec.Service, a.Spec.CABundle, a.Spec.InsecureSkipTLSVerify = nil, nil, false
}

// OfHelm marks an APIService as an object of a Helm release.
func OfHelm(a *apiregistrationv1.APIService) {
	metav1.SetMetaDataAnnotation(&a.ObjectMeta, "meta.helm.sh/release-name", "shop")
	metav1.SetMetaDataAnnotation(&a.ObjectMeta, "meta.helm.sh/release-namespace", "prod")
}

// OfOLM marks an APIService as an object of a ClusterServiceVersion.
func OfOLM(a *apiregistrationv1.APIService) {
	metav1.SetMetaDataLabel(&a.ObjectMeta, "olm.owner", "shop.v1")
	metav1.SetMetaDataLabel(&a.ObjectMeta, "olm.owner.kind", "ClusterServiceVersion")
}

func unmarked(*apiregistrationv1.APIService) {}

// APIService returns the APIService of NAME.example.com/v1.
func APIService(name string) *apiregistrationv1.APIService {
	return APIServiceOf(schema.GroupVersion{Group: name + ".example.com", Version: "v1"})
}

// APIServiceOf returns an APIService of the group-version whose Service does not exist.
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

func createAPIService(mark func(*apiregistrationv1.APIService)) Action {
	return func(ctx context.Context, cluster client.Client, name string) error {
		created := APIService(name)
		mark(created)
		return cluster.Create(ctx, created, fieldOwner)
	}
}

// takeOverAPIService changes the registered APIService to one of another owner in place, as if the operator had never
// owned it.
func takeOverAPIService(mark func(*apiregistrationv1.APIService)) Action {
	return func(ctx context.Context, cluster client.Client, name string) error {
		taken := APIService(name)
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(taken), taken); err != nil {
			return err
		}
		delete(taken.Labels, manifests.OwnerLabel)
		delete(taken.Annotations, manifests.UIDAnnotation)
		taken.ManagedFields = []metav1.ManagedFieldsEntry{{}} // clears them
		mark(taken)
		return cluster.Update(ctx, taken, fieldOwner)
	}
}

func deleteAPIService(ctx context.Context, cluster client.Client, name string) error {
	return cluster.Delete(ctx, APIService(name))
}

// CRD returns a CustomResourceDefinition with version v1 of the group NAME.example.com.
func CRD(name string) *apiextensionsv1.CustomResourceDefinition {
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

func createCRD(served bool) Action {
	return func(ctx context.Context, cluster client.Client, name string) error {
		created := CRD(name)
		created.Spec.Versions[0].Served = served
		return cluster.Create(ctx, created, fieldOwner)
	}
}

// DeleteCRD deletes the CustomResourceDefinition, and returns an error until it is gone.
func DeleteCRD(ctx context.Context, cluster client.Client, name string) error {
	definition := CRD(name)
	if err := cluster.Get(ctx, client.ObjectKeyFromObject(definition), definition); err != nil {
		return client.IgnoreNotFound(err)
	}
	var err error
	switch {
	case definition.DeletionTimestamp.IsZero():
		err = cluster.Delete(ctx, definition)
	case isTerminationStuck(definition):
		metav1.SetMetaDataAnnotation(&definition.ObjectMeta, "example.com/tried-at", definition.ResourceVersion)
		err = cluster.Update(ctx, definition, fieldOwner)
	}
	return errors.Join(err, fmt.Errorf("CustomResourceDefinition %s still exists", definition.Name))
}

// isTerminationStuck reports whether kube-apiserver failed to list the CRD's objects, for example because their
// storage is not ready yet. It then may not retry until the definition changes, or for five minutes
// (apiextensions-apiserver pkg/controller/finalizer).
func isTerminationStuck(definition *apiextensionsv1.CustomResourceDefinition) bool {
	condition := apihelpers.FindCRDCondition(definition, apiextensionsv1.Terminating)
	return condition != nil && condition.Reason == "InstanceDeletionFailed"
}

// createOlder creates an ExtensionAPI that cannot be registered, because the namespace of its server does not exist.
func createOlder(ctx context.Context, cluster client.Client, name string) error {
	return cluster.Create(ctx, older(name))
}

// setClaimOfOlder makes it claim another version, which does not change its age.
func setClaimOfOlder(version string) Action {
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
