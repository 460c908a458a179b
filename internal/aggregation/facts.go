// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"net/http"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// What follows is for programs that read each fact by themselves, with the permissions of a user.

// TrustConfigMap is where the kube-apiservers publish how extension API servers authenticate them.
func TrustConfigMap() types.NamespacedName { return trustConfigMap }

// MissingTrust returns what extension API servers do not find in that ConfigMap.
func MissingTrust(configMap *corev1.ConfigMap) []string { return missingTrust(configMap.Data) }

// ReadProxyCertificate reads the response to GET /readyz?verbose: whether the kube-apiserver has a client certificate
// for extension API servers.
func ReadProxyCertificate(response *http.Response) (found bool, err error) {
	return readProxyCertificate(response)
}

// MissingProxyCertificate describes a kube-apiserver without that certificate.
func MissingProxyCertificate(address string) []string {
	return configurationOf(map[string]bool{address: false}, nil).Missing
}

// AcceptAggregated is the Accept header that requests what a kube-apiserver aggregates itself.
const AcceptAggregated = acceptAggregated

// ReadDiscovery reads the response to GET /apis with that header: the state of each group-version.
func ReadDiscovery(response *http.Response) (map[schema.GroupVersion]State, error) {
	read, err := readDocument(response)
	return read.states, err
}
