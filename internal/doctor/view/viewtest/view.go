// SPDX-License-Identifier: Apache-2.0

// Package viewtest has a view for tests.
package viewtest

import (
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/cert"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Namespace and Server are the Service of New.
const (
	Namespace = "wardle-system"
	Server    = "wardle"
)

var (
	// Noon is when New reads.
	Noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	// GroupVersion is the only one that is registered.
	GroupVersion = schema.GroupVersion{Group: "wardle.example.com", Version: "v1"}
)

// New returns a healthy view: one APIService with two ready replicas, and a caBundle that is valid for a year.
func New() *view.View {
	return &view.View{
		Host:               "kube.example.com:6443",
		Now:                Noon,
		Version:            known("v1.36.3"),
		Clocks:             known(view.Clocks{Server: Noon, Local: Noon}),
		KubeAPIServers:     known([]view.KubeAPIServer{{Address: "10.0.0.1:6443"}}),
		MissingTrust:       known[[]string](nil),
		MissingCertificate: known[[]string](nil),
		Discovery:          known(map[schema.GroupVersion]view.Freshness{GroupVersion: {}}),
		OpenAPIV3:          known(sets.New(GroupVersion)),
		OpenAPIV2:          known(sets.New(GroupVersion)),
		APIServices:        known([]view.APIService{APIService(GroupVersion)}),
		Definitions:        known(map[schema.GroupVersion]string{}),
		Autoscalers:        known([]autoscalingv2.HorizontalPodAutoscaler{}),
		Terminating:        known([]corev1.Namespace{}),
		ExtensionAPIs:      known([]v1alpha1.ExtensionAPI{}),
	}
}

func known[T any](value T) snapshot.Known[T] { return snapshot.Of(value, nil) }

// APIService returns an available APIService of a healthy server.
func APIService(groupVersion schema.GroupVersion) view.APIService {
	signer := authority(365 * 24 * time.Hour)
	apiService := &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{
			Name: manifests.APIServiceName(groupVersion), CreationTimestamp: metav1.NewTime(Noon.Add(-time.Hour)),
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply}},
		},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: groupVersion.Group, Version: groupVersion.Version, CABundle: signer.Certificate,
			Service: &apiregistrationv1.ServiceReference{Namespace: Namespace, Name: Server},
		},
	}
	Report(apiService, apiregistrationv1.ConditionTrue, "Passed", "all checks passed")
	return view.APIService{
		APIService: apiService,
		Backend:    Backend(),
		Discovery: known(discovery.Sample{
			Latency: 12 * time.Millisecond, Content: discovery.Content{Resources: 1, Deletable: 1, MoreThanGet: 1},
		}),
		Served: known(view.Served{Pods: []view.ServedBy{
			serves("api-a", signer, 90*24*time.Hour, servingHost), serves("api-b", signer, 90*24*time.Hour, servingHost),
		}}),
		Objects: known(objects.Result{Checked: 1}),
	}
}

// Report sets what kube-apiserver reports of an APIService.
func Report(
	apiService *apiregistrationv1.APIService, status apiregistrationv1.ConditionStatus, reason, message string,
) {
	apiService.Status.Conditions = []apiregistrationv1.APIServiceCondition{{
		Type: apiregistrationv1.Available, Status: status, Reason: reason, Message: message,
		LastTransitionTime: metav1.NewTime(Noon.Add(-time.Hour)),
	}}
}

// CA returns the PEM certificate of a CA that expires so long after Noon.
func CA(left time.Duration) []byte { return authority(left).Certificate }

func authority(left time.Duration) pki.KeyPair {
	pair, err := pki.NewSigner("test", Noon.Add(left-365*24*time.Hour), 365*24*time.Hour)
	if err != nil {
		return pki.KeyPair{}
	}
	return pair
}

const servingHost = Server + "." + Namespace + ".svc"

// Serve makes a Pod of the server serve a certificate for a name that expires so long after Noon, by a new CA; the
// caBundle contains it if it is trusted.
func Serve(apiService *view.APIService, name string, left time.Duration, trusted bool) {
	signer := authority(365 * 24 * time.Hour)
	if trusted {
		apiService.Spec.CABundle = append(apiService.Spec.CABundle, signer.Certificate...)
	}
	apiService.Served.Value().Pods[1] = serves("api-b", signer, left, name)
}

// serves is a certificate that was issued 90 days before its end.
func serves(pod string, signer pki.KeyPair, left time.Duration, name string) view.ServedBy {
	const validity = 90 * 24 * time.Hour
	pair, err := signer.IssueServing([]string{name}, Noon.Add(left-validity), validity)
	if err != nil {
		return view.ServedBy{Pod: pod}
	}
	chain, err := cert.ParseCertsPEM(pair.Certificate)
	return view.ServedBy{Pod: pod, Chain: snapshot.Of(chain, err)}
}

var labels = map[string]string{"app": "wardle"}

// Backend returns a Service with two ready Pods, and a PodDisruptionBudget.
func Backend() *view.Backend {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: Server},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.1.0.9", Selector: labels, Ports: []corev1.ServicePort{{Name: "https", Port: 443}},
		},
	}
	budget := policyv1.PodDisruptionBudget{
		Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}},
	}
	return &view.Backend{
		NamespacedName: types.NamespacedName{Namespace: Namespace, Name: Server},
		Service:        known(service),
		EndpointSlices: known([]discoveryv1.EndpointSlice{Endpoints("10.0.0.7", "10.0.0.8")}),
		Pods:           known([]corev1.Pod{pod("api-a"), pod("api-b")}),
		Budgets:        known([]policyv1.PodDisruptionBudget{budget}),
		Denied:         known([]string(nil)),
	}
}

// Endpoints returns an EndpointSlice of ready addresses.
func Endpoints(addresses ...string) discoveryv1.EndpointSlice {
	slice := discoveryv1.EndpointSlice{
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(8443))}},
	}
	for _, address := range addresses {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{address}})
	}
	return slice
}

func pod(name string) corev1.Pod {
	sleep := &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 15}}
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{
			ServiceAccountName: Server,
			Containers:         []corev1.Container{{Name: "server", Lifecycle: &corev1.Lifecycle{PreStop: sleep}}},
		},
	}
}
