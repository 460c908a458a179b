// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

const (
	yes     = metav1.ConditionTrue
	no      = metav1.ConditionFalse
	unknown = metav1.ConditionUnknown
)

var slow = extensionserver.Slow

var faults = []fault{
	{
		name: "all-slow", what: "every replica answers in 7 s",
		behaviour: behaviour{Discovery: slow(7 * time.Second)},
		status:    no, reason: v1alpha1.ReasonServerSlow, culprit: somePod, available: no,
	},
	{
		name: "all-hang", what: "no replica answers",
		behaviour: behaviour{Discovery: slow(time.Hour)},
		status:    no, reason: v1alpha1.ReasonServerSlow, culprit: somePod, available: no,
	},
	{
		name: "all-trickle", what: "the answer of every replica takes 7 s to arrive",
		behaviour: behaviour{Discovery: extensionserver.Fault{Transfer: metav1.Duration{Duration: 7 * time.Second}}},
		status:    no, reason: v1alpha1.ReasonServerSlow, culprit: somePod, available: yes,
	},
	{
		name: "near-limit", what: "every replica answers in 3 s",
		behaviour: behaviour{Discovery: slow(3 * time.Second)},
		status:    yes, reason: v1alpha1.ReasonNearLimit, culprit: ofVersion("v1"), available: yes,
	},
	{
		name: "one-slow", what: "one replica answers in 7 s",
		behaviour: behaviour{Discovery: slow(7 * time.Second)}, connectedOne: true,
		status: yes, reason: v1alpha1.ReasonReplicaEjected, culprit: connectedPod, available: yes,
	},
	{
		name: "one-slow-kept", what: "one replica answers in 7 s, with `outlierEjection: Disabled`",
		spec:      keepOutliers,
		behaviour: behaviour{Discovery: slow(7 * time.Second)}, connectedOne: true,
		status: no, reason: v1alpha1.ReasonReplicaSlow, culprit: connectedPod,
	},
	{
		name: "slow-through", what: "answers take 2 s through kube-apiserver alone, with `limit: 1s`",
		spec:      limitToASecond,
		behaviour: behaviour{Discovery: slow(2 * time.Second), For: extensionserver.KubeAPIServer},
		status:    no, reason: v1alpha1.ReasonNetworkSlow, culprit: words("through kube-apiserver"), available: yes,
	},
	{
		name: "cut-off", what: "a firewall between kube-apiserver and the server",
		firewall: cutOffKubeAPIServer,
		status:   no, reason: v1alpha1.ReasonNetworkBlocked, culprit: words("between the control plane"), available: no,
	},
	{
		name: "cut-off-operator", what: "a firewall between the operator and the server's Pods",
		firewall: cutOffOperator,
		status:   unknown, reason: v1alpha1.ReasonOperatorBlocked, culprit: somePod, available: yes,
	},
	{
		name: "failing", what: "every replica answers with status 500",
		behaviour: behaviour{Discovery: extensionserver.Fault{Status: http.StatusInternalServerError}},
		status:    no, reason: v1alpha1.ReasonServerError, culprit: somePod, available: no,
	},
	{
		name: "redirecting", what: "every replica redirects",
		behaviour: behaviour{Discovery: extensionserver.Fault{Status: http.StatusFound}},
		status:    no, reason: v1alpha1.ReasonRedirected, culprit: somePod, available: no,
	},
	{
		name: "breaking-off", what: "every replica breaks off in the middle of the answer",
		behaviour: behaviour{Discovery: extensionserver.Fault{Body: extensionserver.Broken}},
		status:    no, reason: v1alpha1.ReasonConnectionBroken, culprit: somePod, available: yes,
	},
	{
		name: "malformed", what: "every replica answers with a web page",
		behaviour: behaviour{Discovery: extensionserver.Fault{Body: extensionserver.Malformed}},
		status:    no, reason: v1alpha1.ReasonInvalidResponse, culprit: somePod, available: yes,
	},
	{
		name: "other-version", what: "every replica answers for another group-version",
		behaviour: behaviour{AnswerFor: "other.example.com/v1"},
		status:    no, reason: v1alpha1.ReasonInvalidResponse, culprit: somePod, available: yes,
	},
	{
		name: "oversized", what: "every replica answers with more than 4 MiB",
		behaviour: behaviour{Discovery: extensionserver.Fault{Body: extensionserver.Oversized}},
		status:    no, reason: v1alpha1.ReasonResponseTooLarge, culprit: somePod, available: yes,
	},
	{
		name: "not-served", what: "no replica serves one of the versions",
		behaviour: behaviour{NotServed: []string{"not-served.example.com/v2"}},
		status:    no, reason: v1alpha1.ReasonGroupVersionNotServed, culprit: ofVersion("v2"), available: no,
	},
	{
		name: "left-out", what: "every replica leaves a version out of GET /apis",
		behaviour: behaviour{LeftOut: []string{"left-out.example.com/v2"}},
		status:    no, reason: v1alpha1.ReasonMissingInDiscovery, culprit: ofVersion("v2"), available: yes,
	},
	{
		name: "apis-hang", what: "no replica answers GET /apis",
		behaviour: behaviour{APIs: slow(time.Hour)},
		status:    no, reason: v1alpha1.ReasonAggregatedDiscoveryFailed, culprit: somePod, available: yes,
	},
	{
		name: "openapi-slow", what: "every replica answers GET /openapi/v3 in 7 s",
		behaviour: behaviour{OpenAPI: slow(7 * time.Second)},
		status:    yes, reason: v1alpha1.ReasonOpenAPISlow, culprit: somePod, available: yes,
	},
	{
		name: "untrusted", what: "every replica serves a certificate of an unknown CA",
		behaviour: behaviour{Certificate: extensionserver.Untrusted},
		status:    no, reason: v1alpha1.ReasonCertificateUntrusted, culprit: somePod, available: no,
	},
	{
		name: "other-name", what: "every replica serves a certificate for another name",
		behaviour: behaviour{Certificate: extensionserver.OtherName},
		status:    no, reason: v1alpha1.ReasonCertificateForOtherName, culprit: somePod, available: no,
	},
	{
		name: "expired", what: "every replica serves a certificate that has expired",
		behaviour: behaviour{Certificate: extensionserver.Expired},
		status:    no, reason: v1alpha1.ReasonCertificateExpired, culprit: somePod, available: no,
	},
	{
		name: "proxy-refused", what: "kube-apiserver is answered with status 401",
		behaviour: behaviour{
			Discovery: extensionserver.Fault{Status: http.StatusUnauthorized}, For: extensionserver.KubeAPIServer,
		},
		status: no, reason: v1alpha1.ReasonFrontProxyRejected, culprit: words("front-proxy certificate"), available: no,
	},
	{
		name: "probe-refused", what: "the operator's probes are answered with status 403",
		behaviour: behaviour{Discovery: extensionserver.Fault{Status: http.StatusForbidden}, For: extensionserver.Direct},
		status:    no, reason: v1alpha1.ReasonProbeForbidden, culprit: somePod, available: yes,
	},
}

// What a message must name.

func somePod(s faultServer) string { return "Pod " + s.Name + "-" }

func connectedPod(s faultServer) string { return "Pod " + s.pods[0].Name }

func words(text string) func(faultServer) string {
	return func(faultServer) string { return text }
}

func ofVersion(version string) func(faultServer) string {
	return func(s faultServer) string { return version + "." + s.Spec.Groups[0].Name }
}

func limitToASecond(spec *v1alpha1.ExtensionAPISpec) {
	spec.Discovery.Limit = &metav1.Duration{Duration: time.Second}
}

func keepOutliers(spec *v1alpha1.ExtensionAPISpec) {
	spec.Server.OutlierEjection = v1alpha1.PolicyDisabled
}

// cutOffKubeAPIServer drops packets from kube-apiserver to the Service. The kubelet and the operator are unaffected.
func cutOffKubeAPIServer(t *testing.T, s faultServer) (lift func()) {
	t.Helper()
	service := &corev1.Service{}
	if err := kube.Get(t.Context(), client.ObjectKey{Namespace: sampleNamespace, Name: s.Name}, service); err != nil {
		t.Fatal(err)
	}
	return block(t, s.Name, sentByNode, "ip daddr "+service.Spec.ClusterIP)
}

// cutOffOperator drops packets from the operator to the server's Pods.
func cutOffOperator(t *testing.T, s faultServer) (lift func()) {
	t.Helper()
	operator, err := operatorPods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return block(t, s.Name, sentByPods, "ip saddr { "+addresses(operator)+" } ip daddr { "+addresses(s.pods)+" }")
}

func addresses(pods []corev1.Pod) string {
	var found []string
	for _, pod := range pods {
		found = append(found, pod.Status.PodIP)
	}
	return strings.Join(found, ", ")
}
