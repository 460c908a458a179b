// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/rest"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

// types are the versions of all kinds. The hub of a kind is the version whose Go type its Resource has: it is what is
// stored, and what other versions are converted to and from.
type types struct {
	scheme *runtime.Scheme
	codecs serializer.CodecFactory
	// hubs are the group-versions of the resources' types.
	hubs []schema.GroupVersion
}

// types registers all versions.
func (s Server) types() (*types, error) {
	scheme := runtime.NewScheme()
	for _, install := range s.Versions {
		if err := install(scheme); err != nil {
			return nil, err
		}
	}
	// Options of requests, and what is served outside of any group.
	unversioned := schema.GroupVersion{Version: "v1"}
	metav1.AddToGroupVersion(scheme, unversioned)
	scheme.AddUnversionedTypes(unversioned, &metav1.Status{}, &metav1.APIVersions{}, &metav1.APIGroupList{},
		&metav1.APIGroup{}, &metav1.APIResourceList{})
	result := &types{scheme: scheme}
	for _, resource := range s.Resources {
		hub, err := addHub(scheme, resource)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(result.hubs, hub.GroupVersion()) {
			result.hubs = append(result.hubs, hub.GroupVersion())
		}
		if err := prefer(scheme, hub.Group); err != nil {
			return nil, err
		}
	}
	result.codecs = serializer.NewCodecFactory(scheme)
	return result, nil
}

// addHub registers the type of a resource as the internal version as well, which k8s.io/apiserver works with. The Go
// type is the same, so that nothing is converted.
func addHub(scheme *runtime.Scheme, resource Resource) (schema.GroupVersionKind, error) {
	kinds, _, err := scheme.ObjectKinds(resource.New())
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("a resource has a type that none of Versions installs: %w", err)
	}
	internal := schema.GroupVersion{Group: kinds[0].Group, Version: runtime.APIVersionInternal}
	scheme.AddKnownTypes(internal, resource.New(), resource.NewList())
	return kinds[0], nil
}

// prefer sorts the versions of a group, as Kubernetes does it for CustomResourceDefinitions.
func prefer(scheme *runtime.Scheme, group string) error {
	versions := slices.SortedFunc(slices.Values(scheme.PrioritizedVersionsForGroup(group)),
		func(a, b schema.GroupVersion) int {
			return version.CompareKubeAwareVersionStrings(b.Version, a.Version)
		})
	return scheme.SetVersionPriority(versions...)
}

// groups returns what is served of each group: each resource in each version that has its kind.
func (t *types) groups(
	resources []Resource, options generic.RESTOptionsGetter,
) ([]*genericapiserver.APIGroupInfo, error) {
	var groups []*genericapiserver.APIGroupInfo
	for _, resource := range resources {
		kind, err := t.kindOf(resource)
		if err != nil {
			return nil, err
		}
		storage, err := resource.Storage(Environment{Scheme: t.scheme, Kind: kind, Options: options})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.GroupKind(), err)
		}
		index := slices.IndexFunc(groups, func(group *genericapiserver.APIGroupInfo) bool {
			return group.PrioritizedVersions[0].Group == kind.Group
		})
		if index < 0 {
			index, groups = len(groups), append(groups, t.newGroup(kind.Group))
		}
		t.serve(groups[index], kind, storage)
	}
	return groups, nil
}

func (t *types) kindOf(resource Resource) (schema.GroupVersionKind, error) {
	kinds, _, err := t.scheme.ObjectKinds(resource.New())
	if err != nil {
		return schema.GroupVersionKind{}, err
	}
	return kinds[0], nil // the internal version was added last
}

func (t *types) newGroup(name string) *genericapiserver.APIGroupInfo {
	group := genericapiserver.NewDefaultAPIGroupInfo(name, t.scheme, metav1.ParameterCodec, t.codecs)
	group.NegotiatedSerializer = withoutProtobuf{t.codecs}
	return &group
}

// serve adds a resource to the versions of its group.
func (t *types) serve(
	group *genericapiserver.APIGroupInfo, kind schema.GroupVersionKind, storage map[string]rest.Storage,
) {
	for _, version := range group.PrioritizedVersions {
		if !t.scheme.Recognizes(version.WithKind(kind.Kind)) {
			continue
		}
		served := group.VersionedResourcesStorageMap[version.Version]
		if served == nil {
			served = map[string]rest.Storage{}
			group.VersionedResourcesStorageMap[version.Version] = served
		}
		maps.Copy(served, storage)
	}
}

// withoutProtobuf refuses protobuf, which types without generated protobuf code cannot be encoded in: a client that
// accepts JSON as well gets JSON, and one that accepts nothing else 406. By itself, k8s.io/apiserver selects protobuf
// for both, and then fails.
type withoutProtobuf struct{ runtime.NegotiatedSerializer }

// SupportedMediaTypes are JSON, YAML and what else there is besides protobuf.
func (s withoutProtobuf) SupportedMediaTypes() []runtime.SerializerInfo {
	return slices.DeleteFunc(slices.Clone(s.NegotiatedSerializer.SupportedMediaTypes()),
		func(info runtime.SerializerInfo) bool { return info.MediaType == runtime.ContentTypeProtobuf })
}
