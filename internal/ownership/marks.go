// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Marks by which other owners identify their objects.
const (
	helmRelease   = "meta.helm.sh/release-name"
	helmNamespace = "meta.helm.sh/release-namespace"
	helmPrefix    = "meta.helm.sh/"

	olmOwner     = "olm.owner"
	olmOwnerKind = "olm.owner.kind"
	olmPrefix    = "olm."
	olmComponent = "operators.coreos.com/"

	certManagerPrefix = "cert-manager.io/inject-"
	serviceCA         = "service.beta.openshift.io/inject-cabundle"
)

// Injector returns the controller that injects the caBundle of an object because of its annotations, empty if there is
// none.
func Injector(object metav1.Object) string {
	annotations := object.GetAnnotations()
	if annotations[serviceCA] != "" {
		return "OpenShift's service CA operator"
	}
	for key := range annotations {
		if strings.HasPrefix(key, certManagerPrefix) {
			return "cert-manager's cainjector"
		}
	}
	return ""
}

// RemoveInjector removes the annotations that request the injection of a caBundle.
func RemoveInjector(object metav1.Object) {
	object.SetAnnotations(without(object.GetAnnotations(), certManagerPrefix, serviceCA))
}

// RemoveMarks removes what would make other owners change or delete the object: owner references, for the garbage
// collector, and the labels and annotations of Helm, the Operator Lifecycle Manager and caBundle injectors.
func RemoveMarks(object metav1.Object) {
	RemoveInjector(object)
	object.SetOwnerReferences(nil)
	object.SetLabels(without(object.GetLabels(), olmPrefix, olmComponent))
	object.SetAnnotations(without(object.GetAnnotations(), helmPrefix))
}

func without(all map[string]string, prefixes ...string) map[string]string {
	left := maps.Clone(all)
	maps.DeleteFunc(left, func(key, _ string) bool { return hasPrefix(key, prefixes...) })
	return left
}

func hasPrefix(key string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}
