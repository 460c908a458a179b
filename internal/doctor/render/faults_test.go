// SPDX-License-Identifier: Apache-2.0

package render

import (
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view/viewtest"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// faults are what may be wrong with the cluster of viewtest.New, with the level of the report and the checks that find
// it.
var faults = map[string]struct {
	level  check.Level
	checks []string
	inject func(*view.View, *view.APIService)
}{
	"healthy": {check.OK, nil, func(*view.View, *view.APIService) {}},
	"unreachable": {check.Broken, []string{"kube-apiserver"}, func(v *view.View, _ *view.APIService) {
		refused := errors.New("dial tcp 10.0.0.1:6443: connect: connection refused")
		*v = view.View{Host: v.Host, Now: v.Now, Version: snapshot.Of("", refused)}
		v.APIServices = snapshot.Of([]view.APIService(nil), refused)
		v.Discovery = snapshot.Of(map[schema.GroupVersion]view.Freshness(nil), refused)
	}},
	"layer-not-configured": {
		check.Broken,
		[]string{"front-proxy-trust", "front-proxy-certificate"},
		func(v *view.View, _ *view.APIService) {
			v.MissingTrust = snapshot.Of([]string{"there is no CA in requestheader-client-ca-file"}, nil)
			v.MissingCertificate = snapshot.Of([]string{"kube-apiserver has no client certificate"}, nil)
		},
	},
	"clock-differs": {check.Warning, []string{"clock"}, func(v *view.View, _ *view.APIService) {
		v.Clocks = snapshot.Of(view.Clocks{Server: viewtest.Noon, Local: viewtest.Noon.Add(-time.Hour)}, nil)
	}},
	"known-bug": {check.Warning, []string{"known-bugs"}, func(v *view.View, _ *view.APIService) {
		v.Version = snapshot.Of("v1.28.2", nil)
	}},
	"no-aggregated-discovery": {check.Warning, []string{"aggregated-discovery"}, func(v *view.View, _ *view.APIService) {
		v.Discovery = snapshot.Of(map[schema.GroupVersion]view.Freshness(nil), nil)
	}},
	"orphan": {check.Broken, []string{"available", "orphan"}, func(_ *view.View, a *view.APIService) {
		a.Annotations = map[string]string{
			"meta.helm.sh/release-name": "wardle", "meta.helm.sh/release-namespace": viewtest.Namespace,
		}
		viewtest.Report(a.APIService, apiregistrationv1.ConditionFalse, "ServiceNotFound",
			"service/wardle in \"wardle-system\" is not present")
		*a.Backend = view.Backend{NamespacedName: a.Backend.NamespacedName, Service: snapshot.Of((*corev1.Service)(nil), nil)}
	}},
	"port-missing": {check.Broken, []string{"available", "service"}, func(_ *view.View, a *view.APIService) {
		viewtest.Report(a.APIService, apiregistrationv1.ConditionFalse, "ServicePortError", "has no port 443")
		a.Backend.Service.Value().Spec.Ports[0].Port = 8443
	}},
	"headless": {check.Broken, []string{"service"}, func(_ *view.View, a *view.APIService) {
		a.Backend.Service.Value().Spec.ClusterIP = corev1.ClusterIPNone
	}},
	"no-endpoints": {check.Broken, []string{"available", "service"}, func(_ *view.View, a *view.APIService) {
		viewtest.Report(a.APIService, apiregistrationv1.ConditionFalse, "MissingEndpoints", "has no endpoints")
		a.Backend.EndpointSlices = snapshot.Of([]discoveryv1.EndpointSlice{}, nil)
	}},
	"single-replica-without-budget": {
		check.Warning,
		[]string{"replicas", "disruption-budget"},
		func(_ *view.View, a *view.APIService) {
			a.Backend.EndpointSlices = snapshot.Of([]discoveryv1.EndpointSlice{viewtest.Endpoints("10.0.0.7")}, nil)
			a.Backend.Budgets = snapshot.Of([]policyv1.PodDisruptionBudget{}, nil)
		},
	},
	"insecure": {check.Warning, []string{"verification"}, func(_ *view.View, a *view.APIService) {
		a.Spec.InsecureSkipTLSVerify, a.Spec.CABundle = true, nil
	}},
	"bundle-invalid": {check.Broken, []string{"available", "ca-bundle"}, func(_ *view.View, a *view.APIService) {
		a.Spec.CABundle, a.Status.Conditions = []byte("no PEM"), nil
	}},
	"bundle-expires": {check.Warning, []string{"ca-bundle"}, func(_ *view.View, a *view.APIService) {
		a.Spec.CABundle = viewtest.CA(48 * time.Hour)
		a.Served = snapshot.Known[view.Served]{}
		a.Labels = map[string]string{manifests.OwnerLabel: "wardle"}
	}},
	"bundle-expired": {check.Broken, []string{"ca-bundle"}, func(_ *view.View, a *view.APIService) {
		a.Spec.CABundle = viewtest.CA(-time.Hour)
		a.Served = snapshot.Known[view.Served]{}
	}},
	"untrusted": {check.Broken, []string{"verification"}, func(_ *view.View, a *view.APIService) {
		fails(a, http.StatusServiceUnavailable, "answered 503 Service Unavailable: error trying to reach service: "+
			"tls: failed to "+
			"verify certificate: x509: certificate signed by unknown authority")
	}},
	"refused": {check.Broken, []string{"latency"}, func(_ *view.View, a *view.APIService) {
		fails(a, http.StatusUnauthorized, "answered 401 Unauthorized")
	}},
	"slow": {check.Warning, []string{"latency"}, func(_ *view.View, a *view.APIService) {
		a.Discovery = snapshot.Of(discovery.Sample{Latency: 3 * time.Second}, nil)
	}},
	"too-slow": {check.Broken, []string{"latency"}, func(_ *view.View, a *view.APIService) {
		a.Discovery = snapshot.Of(discovery.Sample{Latency: 5500 * time.Millisecond}, nil)
	}},
	"stale": {check.Broken, []string{"freshness"}, func(v *view.View, _ *view.APIService) {
		v.Discovery.Value()[viewtest.GroupVersion] = view.Freshness{Stale: true, Empty: true}
	}},
	"empty": {check.Broken, []string{"freshness"}, func(v *view.View, _ *view.APIService) {
		v.Discovery.Value()[viewtest.GroupVersion] = view.Freshness{Empty: true}
	}},
	"list-fails": {check.Broken, []string{"objects", "namespaces"}, func(v *view.View, a *view.APIService) {
		a.Objects = snapshot.Of(objects.Result{Problems: []objects.Problem{listFails}, Checked: 1}, nil)
		v.Terminating = snapshot.Of([]corev1.Namespace{terminating(corev1.NamespaceDeletionContentFailure,
			"Failed to delete all resource types, 1 remaining: an error on the server has prevented the request")}, nil)
	}},
	"namespace-stuck": {check.Broken, []string{"freshness", "namespaces"}, func(v *view.View, _ *view.APIService) {
		v.Discovery.Value()[viewtest.GroupVersion] = view.Freshness{Stale: true}
		v.Terminating = snapshot.Of([]corev1.Namespace{terminating(corev1.NamespaceDeletionDiscoveryFailure,
			"Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "+
				"wardle.example.com/v1: stale GroupVersion discovery: wardle.example.com/v1")}, nil)
	}},
	"namespace-with-finalizers": {check.Broken, []string{"namespaces"}, func(v *view.View, _ *view.APIService) {
		v.Terminating = snapshot.Of([]corev1.Namespace{terminating(corev1.NamespaceContentRemaining,
			"Some resources are remaining: flunders.wardle.example.com has 2 resource instances")}, nil)
	}},
	"namespace-waits-for-pods": {check.OK, nil, func(v *view.View, _ *view.APIService) {
		v.Terminating = snapshot.Of([]corev1.Namespace{terminating(corev1.NamespaceContentRemaining,
			"Some resources are remaining: pods. has 2 resource instances")}, nil)
	}},
	"namespace-waits-for-another-api": {check.Broken, []string{"namespaces"}, func(v *view.View, _ *view.APIService) {
		v.Terminating = snapshot.Of([]corev1.Namespace{terminating(corev1.NamespaceDeletionDiscoveryFailure,
			"Discovery failed for some groups, 1 failing: other.example.com/v1")}, nil)
	}},
	"chosen": {check.OK, nil, func(v *view.View, _ *view.APIService) {
		v.Chosen = true
		v.Terminating = snapshot.Of([]corev1.Namespace{terminating(corev1.NamespaceDeletionDiscoveryFailure,
			"Discovery failed for some groups, 1 failing: other.example.com/v1")}, nil)
	}},
	"watch-hangs": {check.Broken, []string{"objects"}, func(_ *view.View, a *view.APIService) {
		a.Objects = snapshot.Of(objects.Result{Problems: []objects.Problem{{
			Reason: v1alpha1.ReasonWatchWithoutBookmark, Subject: "flunders.v1.wardle.example.com",
			Evidence: "WATCH accepts sendInitialEvents=true, and sends no bookmark", Affected: objects.Quotas,
		}}, Checked: 2}, nil)
	}},
	"list-for-clients-fails": {check.Warning, []string{"objects"}, func(_ *view.View, a *view.APIService) {
		problem := listFails
		problem.Affected = objects.Clients
		a.Objects = snapshot.Of(objects.Result{Problems: []objects.Problem{problem}, Checked: 1}, nil)
	}},
	"stand-in": {check.Broken, []string{"stand-in"}, func(v *view.View, a *view.APIService) {
		a.Labels = map[string]string{manifests.OwnerLabel: "wardle"}
		a.Spec.Service.Namespace, a.Spec.Service.Name = "extensionapi-system", manifests.StandInName
		a.Backend.NamespacedName = types.NamespacedName{Namespace: "extensionapi-system", Name: manifests.StandInName}
		a.Served = snapshot.Known[view.Served]{}
		a.Objects = snapshot.Of(objects.Result{}, nil)
		v.ExtensionAPIs = snapshot.Of([]v1alpha1.ExtensionAPI{standingIn()}, nil)
	}},
	"several-kube-apiservers": {check.OK, nil, func(v *view.View, a *view.APIService) {
		several(v, a, discovery.Sample{Latency: time.Millisecond})
		v.KubeAPIServers.Value()[2].Unreached = errors.New("no answer within 3s")
		a.Through = a.Through[:2]
		owned := viewtest.APIService(schema.GroupVersion{Group: "a.example.com", Version: "v1"})
		owned.Labels = map[string]string{manifests.OwnerLabel: "wardle"}
		v.Discovery.Value()[owned.GroupVersion()] = view.Freshness{}
		v.OpenAPIV3.Value().Insert(owned.GroupVersion())
		v.OpenAPIV2.Value().Insert(owned.GroupVersion())
		v.APIServices = snapshot.Of([]view.APIService{owned, *a}, nil)
		v.ExtensionAPIs = snapshot.Of([]v1alpha1.ExtensionAPI{ready("wardle")}, nil)
	}},
	"one-kube-apiserver-fails": {check.Broken, []string{"kube-apiservers"}, func(v *view.View, a *view.APIService) {
		several(v, a, discovery.Sample{Err: &discovery.ProbeError{
			Class: discovery.ClassServerError, Status: http.StatusServiceUnavailable,
			Text: "answered 503 Service Unavailable: error trying to reach service: dial tcp 10.1.0.9:443: connect: no route " +
				"to host",
		}})
	}},
	"one-kube-apiserver-is-slow": {check.Broken, []string{"kube-apiservers"}, func(v *view.View, a *view.APIService) {
		several(v, a, discovery.Sample{Latency: 6 * time.Second})
	}},
	"kube-apiservers-unverified": {check.OK, nil, func(v *view.View, _ *view.APIService) {
		v.KubeAPIServers = snapshot.Of([]view.KubeAPIServer(nil), errors.New("the kubeconfig does not verify it"))
	}},
	"pod-serves-another-ca": {check.Broken, []string{"served"}, func(_ *view.View, a *view.APIService) {
		viewtest.Serve(a, "wardle.wardle-system.svc", 90*24*time.Hour, false)
	}},
	"pod-serves-another-name": {check.Broken, []string{"served"}, func(_ *view.View, a *view.APIService) {
		viewtest.Serve(a, "wardle.elsewhere.svc", 90*24*time.Hour, true)
	}},
	"pod-serves-what-expired": {check.Broken, []string{"served"}, func(_ *view.View, a *view.APIService) {
		a.Labels = map[string]string{manifests.OwnerLabel: "wardle"}
		viewtest.Serve(a, "wardle.wardle-system.svc", -time.Hour, true)
	}},
	"pod-serves-what-expires": {check.Warning, []string{"served"}, func(_ *view.View, a *view.APIService) {
		viewtest.Serve(a, "wardle.wardle-system.svc", 24*time.Hour, true)
	}},
	"pod-not-reached": {check.OK, nil, func(_ *view.View, a *view.APIService) {
		a.Served.Value().Pods[0].Chain = snapshot.Of([]*x509.Certificate(nil), errors.New("no connection within 4s"))
	}},
	"operator-not-permitted": {check.OK, nil, func(v *view.View, _ *view.APIService) {
		var all []v1alpha1.ExtensionAPI
		for _, name := range []string{"wardle", "metrics"} {
			extensionAPI := ready(name)
			extensionAPI.Status.Conditions = append(extensionAPI.Status.Conditions, metav1.Condition{
				Type: v1alpha1.ConditionServesObjects, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonNotPermitted,
				Message: "the operator is not permitted to list and watch " + name,
			})
			all = append(all, extensionAPI)
		}
		v.ExtensionAPIs = snapshot.Of(all, nil)
	}},
	"controller-crashes": {check.Warning, []string{"conditions"}, func(v *view.View, _ *view.APIService) {
		extensionAPI := ready("wardle")
		extensionAPI.Status.Conditions = append(extensionAPI.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionControllersAvailable, Status: metav1.ConditionFalse,
			Reason: v1alpha1.ReasonCrashLoopBackOff, Message: "controller flunders: container manager crashes",
		})
		v.ExtensionAPIs = snapshot.Of([]v1alpha1.ExtensionAPI{extensionAPI}, nil)
	}},
	"terminates-at-once": {check.Warning, []string{"termination"}, func(_ *view.View, a *view.APIService) {
		for _, pod := range a.Backend.Pods.Value() {
			pod.Spec.Containers[0].Lifecycle = nil
		}
	}},
	"not-bound": {check.Warning, []string{"delegation"}, func(_ *view.View, a *view.APIService) {
		a.Backend.Denied = snapshot.Of([]string{"create tokenreviews", "create subjectaccessreviews"}, nil)
	}},
	"check-times-out": {check.Broken, []string{"available"}, func(_ *view.View, a *view.APIService) {
		viewtest.Report(a.APIService, apiregistrationv1.ConditionFalse, "FailedDiscoveryCheck",
			"failing or missing response from https://10.1.0.9:443/apis/wardle.example.com/v1: context deadline exceeded")
	}},
	"autoscaler-without-metrics": {check.Warning, []string{"autoscalers"}, func(v *view.View, _ *view.APIService) {
		v.Autoscalers = snapshot.Of([]autoscalingv2.HorizontalPodAutoscaler{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
			Status: autoscalingv2.HorizontalPodAutoscalerStatus{
				Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{{
					Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "FailedGetResourceMetric",
					Message: "unable to fetch metrics from resource metrics API",
				}},
			},
		}}, nil)
	}},
	"no-openapi-v2": {check.Warning, []string{"openapi"}, func(v *view.View, _ *view.APIService) {
		v.OpenAPIV2 = snapshot.Of(sets.New[schema.GroupVersion](), nil)
	}},
	"no-openapi": {check.Warning, []string{"openapi"}, func(v *view.View, _ *view.APIService) {
		v.OpenAPIV3 = snapshot.Of(sets.New[schema.GroupVersion](), nil)
		v.OpenAPIV2 = snapshot.Of(sets.New[schema.GroupVersion](), nil)
	}},
	"two-owners": {check.Warning, []string{"claim"}, func(v *view.View, _ *view.APIService) {
		v.Definitions = snapshot.Of(map[schema.GroupVersion]string{viewtest.GroupVersion: "flunders.wardle.example.com"}, nil)
	}},
	"not-ready": {check.Broken, []string{"conditions"}, func(v *view.View, _ *view.APIService) {
		v.ExtensionAPIs = snapshot.Of([]v1alpha1.ExtensionAPI{notReady()}, nil)
	}},
	"view-rights": {check.OK, nil, func(v *view.View, a *view.APIService) { forbid(v, a) }},
	"no-rights-but-stale": {check.Broken, []string{"freshness"}, func(v *view.View, a *view.APIService) {
		forbid(v, a)
		v.APIServices = snapshot.Of([]view.APIService(nil), forbidden("apiservices"))
		v.Discovery.Value()[viewtest.GroupVersion] = view.Freshness{Stale: true}
	}},
	"hostile-text": {check.Broken, []string{"latency"}, func(_ *view.View, a *view.APIService) {
		fails(a, http.StatusInternalServerError, "answered 500: \x1b[2J\x1b]0;owned\a\u202egnitset\nsecond line")
	}},
}
