// SPDX-License-Identifier: Apache-2.0

package render

import (
	"errors"
	"net/http"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view/viewtest"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

func fails(a *view.APIService, status int, text string) {
	class := discovery.ClassServerError
	if status == http.StatusUnauthorized {
		class = discovery.ClassRefused
	}
	a.Discovery = snapshot.Of(discovery.Sample{Err: &discovery.ProbeError{Class: class, Status: status, Text: text}}, nil)
	a.Objects = snapshot.Of(objects.Result{}, nil)
}

// several adds three kube-apiservers, the last of which gets a result of its own.
func several(v *view.View, a *view.APIService, last discovery.Sample) {
	var servers []view.KubeAPIServer
	for _, address := range []string{"10.0.0.1:6443", "10.0.0.2:6443", "10.0.0.3:6443"} {
		servers = append(servers, view.KubeAPIServer{Address: address})
		a.Through = append(a.Through, view.Through{
			Address: address, Discovery: snapshot.Of(discovery.Sample{Latency: time.Millisecond}, nil),
		})
	}
	a.Through[2].Discovery = snapshot.Of(last, nil)
	v.KubeAPIServers = snapshot.Of(servers, nil)
}

var listFails = objects.Problem{
	Reason: v1alpha1.ReasonListFails, Subject: "flunders.v1.wardle.example.com", Affected: objects.Namespaces,
	Evidence: "LIST answered 500 Internal Server Error: no storage",
}

func ready(name string) v1alpha1.ExtensionAPI {
	extensionAPI := v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, conditionType := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionDiscoveryWithinLimit} {
		extensionAPI.Status.Conditions = append(extensionAPI.Status.Conditions, metav1.Condition{
			Type: conditionType, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady, Message: "as it should be",
		})
	}
	return extensionAPI
}

func standingIn() v1alpha1.ExtensionAPI {
	extensionAPI := ready("wardle")
	extensionAPI.Status.StandIn = &v1alpha1.StandInStatus{Since: &metav1.Time{Time: viewtest.Noon.Add(-time.Minute)}}
	return extensionAPI
}

func terminating(conditionType corev1.NamespaceConditionType, message string) corev1.Namespace {
	hour := metav1.NewTime(viewtest.Noon.Add(-time.Hour))
	return corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", DeletionTimestamp: &metav1.Time{Time: viewtest.Noon}},
		Status: corev1.NamespaceStatus{Conditions: []corev1.NamespaceCondition{
			{Type: conditionType, Status: corev1.ConditionTrue, Message: message, LastTransitionTime: hour},
		}},
	}
}

func notReady() v1alpha1.ExtensionAPI {
	extensionAPI := v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: "wardle"}}
	const message = "Pod wardle-1: the image cannot be pulled. The API is unavailable. Correct the image."
	for conditionType, status := range map[string]metav1.ConditionStatus{
		v1alpha1.ConditionReady: metav1.ConditionFalse, v1alpha1.ConditionServerAvailable: metav1.ConditionFalse,
		v1alpha1.ConditionClaimed: metav1.ConditionTrue,
	} {
		extensionAPI.Status.Conditions = append(extensionAPI.Status.Conditions, metav1.Condition{
			Type: conditionType, Status: status, Reason: v1alpha1.ReasonImagePullBackOff, Message: message,
		})
	}
	return extensionAPI
}

func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no permission"))
}

// forbid leaves what a user with ClusterRole view, and permission to read APIServices, may read.
func forbid(v *view.View, a *view.APIService) {
	v.MissingTrust = snapshot.Of([]string(nil), forbidden("configmaps"))
	v.MissingCertificate = snapshot.Of([]string(nil), forbidden("readyz"))
	v.Definitions = snapshot.Of(map[schema.GroupVersion]string(nil), forbidden("customresourcedefinitions"))
	v.Terminating = snapshot.Of([]corev1.Namespace(nil), forbidden("namespaces"))
	v.Autoscalers = snapshot.Of([]autoscalingv2.HorizontalPodAutoscaler(nil), forbidden("horizontalpodautoscalers"))
	v.ExtensionAPIs = snapshot.Of([]v1alpha1.ExtensionAPI(nil), forbidden("extensionapis"))
	a.Backend.Budgets = snapshot.Of([]policyv1.PodDisruptionBudget(nil), forbidden("poddisruptionbudgets"))
	flunders := objects.Resource{GroupVersion: viewtest.GroupVersion}
	a.Objects = snapshot.Of(objects.Result{Denied: []objects.Resource{flunders}}, nil)
	a.Backend.Denied = snapshot.Of([]string(nil), forbidden("subjectaccessreviews"))
	a.Served = snapshot.Of(view.Served{}, forbidden("pods/portforward"))
}
