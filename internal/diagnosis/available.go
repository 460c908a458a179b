// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Available repeats what kube-apiserver reports of the first APIService that is not available, and contradicts it where
// requests fail.
func Available(s *snapshot.Snapshot) finding.Finding {
	if found := Removed(s); found.Found() {
		return found
	}
	for _, groupVersion := range measured(s) { // of one that the stand-in serves, this is about the stand-in
		if found := available(s, groupVersion); found.Found() && !s.StandIn.Serves(s.Existing(groupVersion)) {
			return found
		}
	}
	if found := StandIn(s); found.Found() {
		return found
	}
	if found := unconfirmed(s); found.Found() {
		return found
	}
	return finding.Good(v1alpha1.ReasonAllAvailable, "kube-apiserver reports every APIService available")
}

// AwaitsAnswers reports whether APIServices are called available as soon as requests pass.
func AwaitsAnswers(s *snapshot.Snapshot) bool { return Available(s).Code == v1alpha1.ReasonProbing }

// available is found of an APIService that is not.
func available(s *snapshot.Snapshot, groupVersion schema.GroupVersion) finding.Finding {
	name, existing := manifests.APIServiceName(groupVersion), s.Existing(groupVersion)
	condition := snapshot.Availability(existing)
	switch {
	case condition == nil || condition.Status == apiregistrationv1.ConditionUnknown:
		return finding.Unknown(v1alpha1.ReasonNotReported, "waiting for kube-apiserver to check "+name)
	case condition.Status == apiregistrationv1.ConditionTrue:
		return finding.Finding{}
	}
	found := unavailable(existing, condition)
	if isExplainedByLayer(s, existing) {
		found.Code, found.Progress = v1alpha1.ReasonAggregationLayerNotConfigured, finding.Stalled
		found.Evidence += "; " + layerMessage(s.Layer.Missing)
		found.Remedy = layerRemedy
	}
	return found
}

// unconfirmed compares what kube-apiserver reports with what requests meet. APIServicesAvailable turns True once they
// are seen to pass: kube-apiserver may report an APIService available a moment before it sends requests to it.
func unconfirmed(s *snapshot.Snapshot) finding.Finding {
	wasAvailable := meta.IsStatusConditionTrue(s.Status.Conditions, v1alpha1.ConditionAPIServicesAvailable)
	for _, groupVersion := range measured(s) {
		if refusing, found := s.Probes.UntrustingKubeAPIServer(groupVersion); found {
			return distrusted(manifests.APIServiceName(groupVersion), refusing)
		}
		if !wasAvailable && !s.Probes.IsProxied(groupVersion) {
			return finding.Unknown(v1alpha1.ReasonProbing, fmt.Sprintf(
				"%s is available; waiting for the first answer through kube-apiserver", groupVersion))
		}
	}
	return finding.Finding{}
}

// distrusted contradicts kube-apiserver, whose check verifies no certificate before Kubernetes 1.36 (kube-aggregator
// pkg/controllers/status/remote/remote_available_controller.go), while its proxy does (pkg/apiserver/handler_proxy.go).
func distrusted(name string, kubeAPIServer discovery.Subject) finding.Finding {
	return finding.Bad(v1alpha1.ReasonCertificateUntrusted, fmt.Sprintf(
		"%s reports %s as available, but does not trust the server: %v", kubeAPIServer.Name, name,
		kubeAPIServer.Last.Err), finding.Working).
		Affecting("Every request fails; before Kubernetes 1.36 the report does not take the certificate into account").
		Advising("See DiscoveryWithinLimit")
}

// ClientsSuffer reports whether kube-apiserver is affected by what the operator sees, too.
func ClientsSuffer(s *snapshot.Snapshot) bool {
	return s.FailsThroughKubeAPIServer() || len(s.Replaced()) > 0 ||
		slices.ContainsFunc(s.Served(), func(of schema.GroupVersion) bool { return !snapshot.IsAvailable(s.Existing(of)) })
}
