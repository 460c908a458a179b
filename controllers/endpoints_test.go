// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

func TestServiceVerdict(t *testing.T) {
	backend := manifests.Backend{Namespace: "a", Name: "b", Port: 443}
	portless := &corev1.Service{}
	service := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 443}}}}
	external := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "h"}}
	tests := map[string]struct {
		service *corev1.Service
		ready   int
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"ready":        {service, 2, "True", v1alpha1.ReasonEndpointsReady, "a/b has 2 ready"},
		"no endpoint":  {service, 0, "False", v1alpha1.ReasonNoReadyEndpoints, "Pods behind it"},
		"no such port": {portless, 0, "False", v1alpha1.ReasonServicePortNotFound, "spec.service.port"},
		"an external name": {
			external, 1,
			"True", v1alpha1.ReasonEndpointsReady, "host h",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assertVerdict(t, serviceVerdict(backend, test.service, test.ready), test.status, test.reason, test.message)
		})
	}
}
