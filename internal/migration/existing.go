// SPDX-License-Identifier: Apache-2.0

package migration

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Annotations by which a controller injects the caBundle of an APIService (docs/tasks/migrating.md).
const (
	injectFrom      = "cert-manager.io/inject-ca-from"
	injectFromOther = "cert-manager.io/inject-ca-from-secret"
	injectAPIServer = "cert-manager.io/inject-apiserver-ca"
	injectServiceCA = "service.beta.openshift.io/inject-cabundle"
)

// existingService registers the Service, and changes nothing else.
func (m *Manifest) existingService(running Running) {
	apiService := running.APIServices[0]
	reference := apiService.Spec.Service
	service := &v1alpha1.ExistingService{
		Namespace: reference.Namespace, Name: reference.Name, Port: ptr.Deref(reference.Port, 443),
	}
	if source := m.source(apiService, reference.Namespace); source != nil {
		service.CABundleFrom = source
	} else {
		service.CABundle = apiService.Spec.CABundle
	}
	if service.CABundleFrom == nil && len(service.CABundle) == 0 {
		m.Missing = append(m.Missing, "spec.existingService.caBundle: the CA that verifies the server's certificate for "+
			reference.Name+"."+reference.Namespace+".svc; kube-apiserver does not verify it today")
	}
	m.ExtensionAPI.Spec.ExistingService = service
}

// source is the object that a controller injects the caBundle from, nil if that is not known.
func (m *Manifest) source(object metav1.Object, namespace string) *v1alpha1.CABundleSource {
	annotations := object.GetAnnotations()
	switch {
	case annotations[injectFromOther] != "":
		secretNamespace, name, _ := strings.Cut(annotations[injectFromOther], "/")
		if secretNamespace == namespace {
			return &v1alpha1.CABundleSource{SecretRef: &v1alpha1.CABundleKeyReference{Name: name}}
		}
		m.note("the Secret that cert-manager injects the caBundle from is not in the Service's namespace: move it " +
			"there, and " +
			"reference it with caBundleFrom, or the caBundle is not replaced when the CA is")
	case annotations[injectAPIServer] == "true":
		return &v1alpha1.CABundleSource{ConfigMapRef: &v1alpha1.CABundleKeyReference{Name: "kube-root-ca.crt"}}
	case annotations[injectFrom] != "":
		m.note("cert-manager injects the caBundle: reference the Secret of its Certificate with caBundleFrom, or the " +
			"caBundle " +
			"is not replaced when the CA is")
	case annotations[injectServiceCA] != "":
		m.note("OpenShift injects the caBundle: reference a ConfigMap that it injects into with caBundleFrom, or the " +
			"caBundle " +
			"is not replaced when the CA is")
	}
	return nil
}
