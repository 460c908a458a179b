// SPDX-License-Identifier: Apache-2.0

package migration

import (
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// Changes are what adopting an APIService would change.
type Changes struct {
	Name string `json:"name"`
	// Exists is false for an APIService that would be created.
	Exists bool                   `json:"exists"`
	Fields []v1alpha1.FieldChange `json:"fields,omitempty"`
}

// What is not known before the ExtensionAPI exists and its certificate is issued.
const (
	caToBeIssued  = "(the CA of the ExtensionAPI)"
	uidToBeStored = "(the UID of the ExtensionAPI)"
)

// ChangesOf compares the APIServices of an ExtensionAPI, which need not exist in the cluster, with the existing ones of
// other owners, as the operator does.
func ChangesOf(extensionAPI *v1alpha1.ExtensionAPI, existing []apiregistrationv1.APIService) []Changes {
	bundle, isKnown := []byte(caToBeIssued), false // any that differs from the existing one
	if service := extensionAPI.Spec.ExistingService; service != nil && service.CABundleFrom == nil {
		bundle, isKnown = service.CABundle, true
	}
	var changes []Changes
	for _, wanted := range manifests.APIServices(extensionAPI, bundle) {
		change := Changes{Name: *wanted.Name}
		for i := range existing {
			if existing[i].Name != change.Name {
				continue
			}
			change.Exists = true
			if ownership.IdentityOf(extensionAPI).Ownership(&existing[i]) != ownership.Owned || extensionAPI.UID == "" {
				change.Fields = known(plan.AdoptionChanges(&existing[i], wanted), isKnown, extensionAPI.UID != "")
			}
		}
		changes = append(changes, change)
	}
	return changes
}

// known replaces values that are not known yet.
func known(fields []v1alpha1.FieldChange, hasBundle, hasUID bool) []v1alpha1.FieldChange {
	for i := range fields {
		switch field := &fields[i]; {
		case field.Field == "spec.caBundle" && !hasBundle:
			field.To = new(caToBeIssued)
		case field.Field == "metadata.annotations["+manifests.UIDAnnotation+"]" && !hasUID:
			field.To = new(uidToBeStored)
		}
	}
	return fields
}
