// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistration "k8s.io/kube-aggregator/pkg/client/applyconfiguration/apiregistration/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// Adopt replaces the marks of other owners by the ExtensionAPI's labels, and the spec by the wanted one.
func Adopt(apiService *apiregistrationv1.APIService, wanted *apiregistration.APIServiceApplyConfiguration) {
	ownership.RemoveMarks(apiService)
	apiService.Labels = labels.Merge(apiService.Labels, wanted.Labels)
	apiService.Annotations = labels.Merge(apiService.Annotations, wanted.Annotations)
	apiService.Spec = apiregistrationv1.APIServiceSpec{
		Group:                 *wanted.Spec.Group,
		Version:               *wanted.Spec.Version,
		GroupPriorityMinimum:  *wanted.Spec.GroupPriorityMinimum,
		VersionPriority:       *wanted.Spec.VersionPriority,
		CABundle:              wanted.Spec.CABundle,
		InsecureSkipTLSVerify: *wanted.Spec.InsecureSkipTLSVerify,
		Service:               serviceOf(wanted),
	}
}

// AdoptionChanges are the fields that adopting an APIService would change.
func AdoptionChanges(
	existing *apiregistrationv1.APIService, wanted *apiregistration.APIServiceApplyConfiguration,
) []v1alpha1.FieldChange {
	adopted := existing.DeepCopy()
	Adopt(adopted, wanted)
	from, to := existing.Spec, adopted.Spec
	changes := slices.Concat(
		difference("spec.service", serviceAddress(from.Service), serviceAddress(to.Service)),
		difference("spec.insecureSkipTLSVerify", printed(from.InsecureSkipTLSVerify), printed(to.InsecureSkipTLSVerify)),
		difference("spec.groupPriorityMinimum", printed(from.GroupPriorityMinimum), printed(to.GroupPriorityMinimum)),
		difference("spec.versionPriority", printed(from.VersionPriority), printed(to.VersionPriority)),
		mapChanges("metadata.labels", existing.Labels, adopted.Labels),
		mapChanges("metadata.annotations", existing.Annotations, adopted.Annotations),
		difference("spec.caBundle", digest(from.CABundle), digest(to.CABundle)),
	)
	for _, owner := range existing.OwnerReferences {
		changes = append(changes, difference("metadata.ownerReferences", new(owner.Kind+"/"+owner.Name), nil)...)
	}
	return changes
}

func difference(field string, from, to *string) []v1alpha1.FieldChange {
	if ptr.Equal(from, to) {
		return nil
	}
	return []v1alpha1.FieldChange{{Field: field, From: from, To: to}}
}

func mapChanges(field string, from, to map[string]string) []v1alpha1.FieldChange {
	var changes []v1alpha1.FieldChange
	for _, key := range sets.List(sets.KeySet(from).Union(sets.KeySet(to))) {
		changes = append(changes, difference(field+"["+key+"]", valueOf(from, key), valueOf(to, key))...)
	}
	return changes
}

func valueOf(values map[string]string, key string) *string {
	if value, found := values[key]; found {
		return &value
	}
	return nil
}

func printed(value any) *string { return new(fmt.Sprint(value)) }

func serviceAddress(service *apiregistrationv1.ServiceReference) *string {
	if service == nil {
		return nil
	}
	port := ptr.Deref(service.Port, 443) // kube-aggregator pkg/apis/apiregistration/v1/defaults.go
	return new(fmt.Sprintf("%s/%s:%d", service.Namespace, service.Name, port))
}

// digest stands for a trust bundle, which is too long to be shown.
func digest(bundle []byte) *string {
	if len(bundle) == 0 {
		return nil
	}
	return new(fmt.Sprintf("sha256:%x", sha256.Sum256(bundle)))
}
