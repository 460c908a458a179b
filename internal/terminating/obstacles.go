// SPDX-License-Identifier: Apache-2.0

// Package terminating decides which API keeps a namespace Terminating, from what the namespace controller of
// kube-controller-manager reports in the namespace's conditions (k8s.io/kubernetes
// pkg/controller/namespace/deletion/status_condition_utils.go). It imports no client.
package terminating

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// obstacleTypes are the conditions that name what a namespace waits for. NamespaceFinalizersRemaining names finalizers
// without the resources that have them.
var obstacleTypes = []corev1.NamespaceConditionType{
	corev1.NamespaceDeletionDiscoveryFailure, corev1.NamespaceDeletionContentFailure, corev1.NamespaceContentRemaining,
}

// Obstacles are the conditions that report why a namespace that is being deleted is still there.
func Obstacles(namespace *corev1.Namespace) []corev1.NamespaceCondition {
	if namespace.DeletionTimestamp.IsZero() {
		return nil
	}
	var obstacles []corev1.NamespaceCondition
	for _, condition := range namespace.Status.Conditions {
		if condition.Status == corev1.ConditionTrue && slices.Contains(obstacleTypes, condition.Type) {
			obstacles = append(obstacles, condition)
		}
	}
	return obstacles
}

// SameObstacles reports whether both wait for the same, however many objects are left.
func SameObstacles(a, b *corev1.Namespace) bool {
	return slices.EqualFunc(Obstacles(a), Obstacles(b), func(a, b corev1.NamespaceCondition) bool {
		if a.Type == corev1.NamespaceContentRemaining && b.Type == a.Type {
			return slices.Equal(remaining(a.Message), remaining(b.Message))
		}
		return a.Type == b.Type && a.Message == b.Message
	})
}

// remaining parses "Some resources are remaining: pods. has 2 resource instances, ...".
func remaining(message string) []schema.GroupResource {
	_, list, _ := strings.Cut(message, ": ")
	var resources []schema.GroupResource
	for item := range strings.SplitSeq(list, ", ") {
		if name, _, isItem := strings.Cut(item, " has "); isItem {
			resources = append(resources, schema.ParseGroupResource(name))
		}
	}
	return resources
}
