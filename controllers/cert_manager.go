// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests,verbs=list

// certManagerSource asks cert-manager for a certificate, and then takes it as any that somebody else brings. Nothing
// that cert-manager is the cause of keeps the server from being looked after.
func (r *Reconciler) certManagerSource(ctx context.Context, s *scope, stored storedCertificates) (
	source certificateSource, problem finding.Finding, err error,
) {
	if !r.CertManager {
		return certificateSource{}, certManagerOff(), nil
	}
	// The Certificate is not watched, as its kind may not exist.
	s.requeueAfter(interval(s))
	_, err = r.Applier.Apply(ctx, manifests.Certificate(s.ExtensionAPI, servingNames(s)))
	if err != nil {
		return certificateSource{}, certManagerTrouble(err), nil
	}
	name := manifests.CertManagerName(s.Name)
	source, problem, err = r.providedSource(ctx, s, name, stored)
	if err != nil {
		return source, problem, err
	}
	source.renew = "see why cert-manager does not: kubectl describe certificate " + name
	source.pending, err = r.certManagerSays(ctx, s)
	if problem.Code == v1alpha1.ReasonSecretNotFound {
		problem.Message = cmp.Or(source.pending, problem.Message)
	}
	return source, problem, err
}

// certManagerOff says that the operator may not ask cert-manager.
func certManagerOff() finding.Finding {
	return finding.Bad(v1alpha1.ReasonCertManagerDisabled,
		"the operator is installed without the right to ask cert-manager for "+
			"certificates; set the value certManager.enabled of its Helm chart to true, or choose another source in "+
			"spec.server.certificates", finding.Stalled)
}

// certManagerTrouble says why the Certificate could not be applied.
func certManagerTrouble(err error) finding.Finding {
	if kinds.IsUnknown(err) {
		return finding.Bad(v1alpha1.ReasonCertManagerMissing, "cert-manager is not installed: the cluster does not know its "+
			"Certificates; install it, or choose another source in spec.server.certificates", finding.Working)
	}
	if v, refused := refusalVerdict(err); refused {
		return v
	}
	return finding.Bad(v1alpha1.ReasonRefused, fmt.Sprintf(
		"cert-manager's Certificate cannot be applied: %s; does its webhook answer? It is tried again",
		excerpt.Quote(err.Error())), finding.Working)
}

// certManagerSays repeats why cert-manager has not issued the wanted certificate, empty when it has. The cause stands
// on its requests, which carry the Certificate's labels.
func (r *Reconciler) certManagerSays(ctx context.Context, s *scope) (string, error) {
	certificate := &unstructured.Unstructured{}
	certificate.SetGroupVersionKind(manifests.CertificateKind)
	name := manifests.CertManagerName(s.Name)
	key := client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: name}
	if err := r.Live.Get(ctx, key, certificate); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	if ready, _ := readyCondition(certificate); ready {
		return "", nil
	}
	requests := &unstructured.UnstructuredList{}
	requests.SetGroupVersionKind(manifests.CertificateKind.GroupVersion().WithKind("CertificateRequestList"))
	err := r.Live.List(ctx, requests, client.InNamespace(key.Namespace), client.MatchingLabels(manifests.Labels(s.Name)))
	return certManagerMessage(name, requests.Items), err
}

// certManagerMessage tells what the newest request says.
func certManagerMessage(name string, requests []unstructured.Unstructured) string {
	told := "waiting for cert-manager to issue Certificate " + name
	slices.SortFunc(requests, func(a, b unstructured.Unstructured) int {
		return b.GetCreationTimestamp().Compare(a.GetCreationTimestamp().Time)
	})
	for i := range requests {
		if ready, message := readyCondition(&requests[i]); !ready && message != "" {
			return told + ", of which it says: " + excerpt.Quote(message)
		}
	}
	return told + "; if that lasts, look at it: kubectl describe certificate " + name
}

// readyCondition tells whether an object of cert-manager is ready in its present generation, and what it says of it.
func readyCondition(object *unstructured.Unstructured) (ready bool, message string) {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, condition := range conditions {
		fields, _ := condition.(map[string]any)
		if fields["type"] != "Ready" {
			continue
		}
		observed, known := fields["observedGeneration"].(int64)
		message, _ = fields["message"].(string)
		return fields["status"] == "True" && (!known || observed == object.GetGeneration()), message
	}
	return false, ""
}

// removeCertManager deletes what cert-manager was asked for and has brought, after the spec has changed its mind. While
// it is suspended, that is left to do.
func (r *Reconciler) removeCertManager(ctx context.Context, s *scope) error {
	if observed := s.before.Status.ObservedGeneration; observed <= 0 || observed == s.Generation && !s.isSuspended() {
		return nil
	}
	_, err := r.removeAll(ctx, s, inventory.OfCertManager())
	return err
}
