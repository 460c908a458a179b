// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups=cert-manager.io,resources=certificaterequests,verbs=list

// certManagerPending repeats why cert-manager has not issued the wanted certificate, empty when it has. The cause is in
// its requests, which have the Certificate's labels.
func (o *Observer) certManagerPending(ctx context.Context, extensionAPI *v1alpha1.ExtensionAPI) string {
	certificate := &unstructured.Unstructured{}
	certificate.SetGroupVersionKind(manifests.CertificateKind)
	name := manifests.CertManagerName(extensionAPI.Name)
	key := client.ObjectKey{Namespace: extensionAPI.Spec.Server.Namespace, Name: name}
	err := o.Live.Get(ctx, key, certificate)
	if ready, _ := readyCondition(certificate); ready || apierrors.IsNotFound(err) {
		return ""
	}
	requests := &unstructured.UnstructuredList{}
	requests.SetGroupVersionKind(manifests.CertificateKind.GroupVersion().WithKind("CertificateRequestList"))
	if err == nil {
		err = o.Live.List(ctx, requests,
			client.InNamespace(key.Namespace), client.MatchingLabels(manifests.Labels(extensionAPI.Name)))
	}
	if err != nil {
		return fmt.Sprintf("waiting for Certificate %s, whose state cannot be read: %s", name, excerpt.Quote(err.Error()))
	}
	return certManagerMessage(name, requests.Items)
}

// certManagerMessage repeats what the newest request reports.
func certManagerMessage(name string, requests []unstructured.Unstructured) string {
	waiting := "waiting for cert-manager to issue Certificate " + name
	slices.SortFunc(requests, func(a, b unstructured.Unstructured) int {
		return b.GetCreationTimestamp().Compare(a.GetCreationTimestamp().Time)
	})
	for i := range requests {
		if ready, message := readyCondition(&requests[i]); !ready && message != "" {
			return waiting + ", which it reports as: " + excerpt.Quote(message)
		}
	}
	return waiting + "; if this persists, inspect it: kubectl describe certificate " + name
}

// readyCondition reports whether an object of cert-manager is ready in its present generation, with its message.
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
