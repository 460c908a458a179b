// SPDX-License-Identifier: Apache-2.0

package holder

import (
	"maps"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Marks by which others find what is theirs.
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

// injector names who writes the caBundle of an object because of its annotations.
func injector(annotations map[string]string) string {
	if annotations[serviceCA] != "" {
		return "OpenShift's service CA operator, which writes its caBundle (annotation " + serviceCA + ")"
	}
	for key := range annotations {
		if strings.HasPrefix(key, certManagerPrefix) {
			return "cert-manager's cainjector, which writes its caBundle (annotations " + certManagerPrefix + "*)"
		}
	}
	return ""
}

// RemoveMarks takes away what would have others change the object, or delete it with what is theirs: owner references,
// for the garbage collector, and the labels and annotations of Helm, the Operator Lifecycle Manager and of who writes
// caBundles.
func RemoveMarks(object metav1.Object) {
	object.SetOwnerReferences(nil)
	object.SetLabels(without(object.GetLabels(), olmPrefix, olmComponent))
	object.SetAnnotations(without(object.GetAnnotations(), helmPrefix, certManagerPrefix, serviceCA))
}

func without(all map[string]string, prefixes ...string) map[string]string {
	left := maps.Clone(all)
	maps.DeleteFunc(left, func(key, _ string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(key, prefix) {
				return true
			}
		}
		return false
	})
	return left
}
