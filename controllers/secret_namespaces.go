// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// SecretNamespaces are the namespaces in which the operator may read and write Secrets; none means every namespace.
type SecretNamespaces []string

// ConfineSecrets returns the namespaces and the operator's own. Without any the operator is not confined.
func ConfineSecrets(operatorNamespace string, namespaces []string) SecretNamespaces {
	if len(namespaces) == 0 {
		return nil
	}
	return sets.List(sets.New(append(namespaces, operatorNamespace)...))
}

func (n SecretNamespaces) include(namespace string) bool {
	return len(n) == 0 || slices.Contains(n, namespace)
}

// cached has the cache ask for no Secret that kube-apiserver would refuse.
func (n SecretNamespaces) cached() map[string]cache.Config {
	if len(n) == 0 {
		return nil
	}
	configs := map[string]cache.Config{}
	for _, namespace := range n {
		configs[namespace] = cache.Config{}
	}
	return configs
}

// outOfReach says of a server in a namespace that is not included why nothing is done about its certificate.
func (n SecretNamespaces) outOfReach(namespace string) verdict {
	return bad(v1alpha1.ReasonSecretsOutOfReach, fmt.Sprintf(
		"the operator is confined to the Secrets of the namespaces %s, so it neither issues nor renews the certificate of a "+
			"server in namespace %s; add %s to the value secretNamespaces of the operator's Helm chart, or create the "+
			"ExtensionAPI anew for one of these namespaces", strings.Join(n, ", "), namespace, namespace), stalled)
}
