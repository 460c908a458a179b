// SPDX-License-Identifier: Apache-2.0

package trim

import (
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// Kubernetes bounds these only by the size of an object, about 1.5 MB.
const (
	// maxText is the maximum length of a string, in bytes.
	maxText = 1024
	// maxObstacle is that of why a namespace is still there, which names dozens of group-versions or resources.
	maxObstacle = 2048
	// maxOwnAnnotations is more than the operator writes on any object.
	maxOwnAnnotations = 4
	// maxMarks bounds each kind of marks of other owners.
	maxMarks = 32
	// maxPorts bounds the ports of a Service, a container or an EndpointSlice, and maxContainers those of a Pod.
	maxPorts      = 64
	maxContainers = 32
	// maxEndpoints is far more than a server's replicas.
	maxEndpoints = 256
)

// ownLabels are the labels that the operator applies, or selects by.
var ownLabels = []string{
	manifests.OwnerLabel, manifests.ComponentLabel, manifests.ServingLabel, manifests.ManagedByLabel,
	appsv1.DefaultDeploymentUniqueLabelKey, discoveryv1.LabelServiceName,
}

func isOwnLabel(key string) bool      { return slices.Contains(ownLabels, key) }
func isOwnAnnotation(key string) bool { return strings.HasPrefix(key, manifests.OwnPrefix) }
func isAssignedUsers(key string) bool { return key == manifests.AssignedUsersAnnotation }

// metadata keeps only the controller of the owner references.
func metadata(full *metav1.ObjectMeta) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{
		Namespace:                  full.Namespace,
		Name:                       full.Name,
		UID:                        full.UID,
		ResourceVersion:            full.ResourceVersion,
		Generation:                 full.Generation,
		CreationTimestamp:          full.CreationTimestamp,
		DeletionTimestamp:          full.DeletionTimestamp,
		DeletionGracePeriodSeconds: full.DeletionGracePeriodSeconds,
		Labels:                     first(len(ownLabels), full.Labels, isOwnLabel),
		Annotations:                first(maxOwnAnnotations, full.Annotations, isOwnAnnotation),
	}
	if controller := metav1.GetControllerOf(full); controller != nil {
		kept.OwnerReferences = []metav1.OwnerReference{owner(*controller)}
	}
	return kept
}

// withMarks also keeps the marks of other owners and writers.
func withMarks(full *metav1.ObjectMeta) metav1.ObjectMeta {
	kept := metadata(full)
	kept.Labels = labels.Merge(kept.Labels, first(maxMarks, full.Labels, ownership.Reads))
	kept.Annotations = labels.Merge(kept.Annotations, first(maxMarks, full.Annotations, ownership.Reads))
	for _, other := range head(full.OwnerReferences, maxMarks) {
		if other.Controller == nil || !*other.Controller {
			kept.OwnerReferences = append(kept.OwnerReferences, owner(other))
		}
	}
	kept.ManagedFields = full.ManagedFields
	ownership.TrimManagedFields(&kept)
	return kept
}

func owner(full metav1.OwnerReference) metav1.OwnerReference {
	return metav1.OwnerReference{
		Kind: text(full.Kind), Name: text(full.Name), UID: full.UID, Controller: full.Controller,
	}
}

// first keeps the first matching entries.
func first(count int, full map[string]string, match func(key string) bool) map[string]string {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(full)), func(key string) bool { return !match(key) })
	kept := map[string]string{}
	for _, key := range head(keys, count) {
		kept[key] = text(full[key])
	}
	return kept
}

func text(full string) string { return beginning(full, maxText) }

// beginning truncates a long string, and does not keep its rest in memory.
func beginning(full string, length int) string {
	if len(full) <= length {
		return full
	}
	return strings.Clone(strings.ToValidUTF8(full[:length], ""))
}

func head[T any](list []T, count int) []T { return list[:min(len(list), count)] }

func each[T, K any](list []T, keep func(T) K) []K {
	var kept []K
	for _, item := range list {
		kept = append(kept, keep(item))
	}
	return kept
}
