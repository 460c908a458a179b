// SPDX-License-Identifier: Apache-2.0

// Package trim drops the fields of objects that the operator does not read, before they are cached: any user who may
// create a Service can give it the owner label, and megabytes of annotations. A trimmed object must not be written
// back; the operator writes by server-side apply, or reads an object from the API server before it changes it.
package trim

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Object trims an object of any kind that the operator caches, in place. It is a cache.TransformFunc
// (k8s.io/client-go/tools/cache), and leaves anything else unchanged.
func Object(object any) (any, error) {
	switch full := object.(type) {
	case *metav1.PartialObjectMetadata:
		full.ObjectMeta = metadata(&full.ObjectMeta)
	case *corev1.Namespace:
		*full = namespace(full)
	case *v1alpha1.ExtensionAPI:
		// Finalizers are changed by a merge patch, which replaces them all.
		finalizers := full.Finalizers
		full.ObjectMeta = metadata(&full.ObjectMeta)
		full.Finalizers = finalizers
	case *apiregistrationv1.APIService:
		full.ObjectMeta = withMarks(&full.ObjectMeta)
	case *corev1.ConfigMap:
		full.ObjectMeta = metadata(&full.ObjectMeta)
	case *corev1.Service:
		*full = service(full)
	case *discoveryv1.EndpointSlice:
		*full = endpointSlice(full)
	default:
		workload(object)
	}
	return object, nil
}

// workload trims what runs a server, in place.
func workload(object any) {
	switch full := object.(type) {
	case *appsv1.Deployment:
		*full = deployment(full)
	case *appsv1.ReplicaSet:
		*full = replicaSet(full)
	case *corev1.Pod:
		*full = pod(full)
	}
}

func deployment(full *appsv1.Deployment) appsv1.Deployment {
	kept := appsv1.Deployment{
		ObjectMeta: metadata(&full.ObjectMeta),
		Spec:       appsv1.DeploymentSpec{Replicas: full.Spec.Replicas, Paused: full.Spec.Paused},
		Status:     full.Status,
	}
	kept.Spec.Template.Spec.NodeSelector = full.Spec.Template.Spec.NodeSelector
	return kept
}

func replicaSet(full *appsv1.ReplicaSet) appsv1.ReplicaSet {
	kept := appsv1.ReplicaSet{ObjectMeta: metadata(&full.ObjectMeta)}
	kept.Spec.Template.Spec.ServiceAccountName = full.Spec.Template.Spec.ServiceAccountName
	return kept
}

func service(full *corev1.Service) corev1.Service {
	return corev1.Service{
		ObjectMeta: metadata(&full.ObjectMeta),
		Spec: corev1.ServiceSpec{
			Type:         full.Spec.Type,
			ClusterIP:    full.Spec.ClusterIP,
			ExternalName: full.Spec.ExternalName,
			Ports: each(head(full.Spec.Ports, maxPorts), func(port corev1.ServicePort) corev1.ServicePort {
				return corev1.ServicePort{Name: port.Name, Protocol: port.Protocol, Port: port.Port}
			}),
		},
	}
}

func endpointSlice(full *discoveryv1.EndpointSlice) discoveryv1.EndpointSlice {
	return discoveryv1.EndpointSlice{
		ObjectMeta:  metadata(&full.ObjectMeta),
		AddressType: full.AddressType,
		Ports: each(head(full.Ports, maxPorts), func(port discoveryv1.EndpointPort) discoveryv1.EndpointPort {
			return discoveryv1.EndpointPort{Name: port.Name, Port: port.Port}
		}),
		Endpoints: each(head(full.Endpoints, maxEndpoints), endpoint),
	}
}

func endpoint(full discoveryv1.Endpoint) discoveryv1.Endpoint {
	kept := discoveryv1.Endpoint{
		Addresses:  slices.Clone(head(full.Addresses, 1)),
		Conditions: discoveryv1.EndpointConditions{Ready: full.Conditions.Ready},
	}
	if target := full.TargetRef; target != nil {
		kept.TargetRef = &corev1.ObjectReference{Kind: text(target.Kind), Name: text(target.Name)}
	}
	return kept
}
