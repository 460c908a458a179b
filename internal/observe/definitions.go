// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"strings"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/claims"
)

// DefinitionKind is CustomResourceDefinition.
var DefinitionKind = apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition")

// definitionMemory remembers what versions a generation of a CustomResourceDefinition has. Its zero value is empty. It
// holds those of the groups that ExtensionAPIs want, and is not tidied up: they are few, and small.
type definitionMemory struct {
	mu    sync.Mutex
	known map[types.UID]knownDefinition
}

type knownDefinition struct {
	generation int64
	versions   []claims.Definition
}

// versionsOf reads the definition of which this is the metadata, unless it is known; there are none when it is gone.
func (m *definitionMemory) versionsOf(
	ctx context.Context, live client.Reader, metadata client.Object,
) ([]claims.Definition, error) {
	m.mu.Lock()
	known, found := m.known[metadata.GetUID()]
	m.mu.Unlock()
	if found && known.generation == metadata.GetGeneration() {
		return known.versions, nil
	}
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := live.Get(ctx, client.ObjectKeyFromObject(metadata), definition); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	versions := versionsIn(definition)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[types.UID]knownDefinition{}
	}
	m.known[definition.UID] = knownDefinition{definition.Generation, versions}
	return versions, nil
}

func versionsIn(definition *apiextensionsv1.CustomResourceDefinition) []claims.Definition {
	var versions []claims.Definition
	for _, version := range definition.Spec.Versions {
		versions = append(versions, claims.Definition{
			Name:         definition.Name,
			GroupVersion: schema.GroupVersion{Group: definition.Spec.Group, Version: version.Name},
			Served:       version.Served,
		})
	}
	return versions
}

// definitionsOf returns the versions of the CustomResourceDefinitions of these groups. There are hardly ever any, so
// that they are read whole only here, once for each generation, and only the metadata of all others is kept.
func (o *Observer) definitionsOf(ctx context.Context, groups sets.Set[string]) ([]claims.Definition, error) {
	var result []claims.Definition
	for group := range groups {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(DefinitionKind.GroupVersion().WithKind("CustomResourceDefinitionList"))
		if err := o.Client.List(ctx, list, client.MatchingFields{groupIndex: group}); err != nil {
			return nil, err
		}
		for i := range list.Items {
			versions, err := o.definitions.versionsOf(ctx, o.Live, &list.Items[i])
			if err != nil {
				return nil, err
			}
			result = append(result, versions...)
		}
	}
	return result, nil
}

// GroupOfDefinition is known from the name, which is PLURAL.GROUP
// (apiextensions-apiserver pkg/apis/apiextensions/validation).
func GroupOfDefinition(definition client.Object) string {
	_, group, _ := strings.Cut(definition.GetName(), ".")
	return group
}
