// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// ServiceMonitorKind is the kind by which the Prometheus Operator configures what Prometheus scrapes.
var ServiceMonitorKind = schema.GroupVersionKind{
	Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor",
}

// prometheusToken is the file with the token of Prometheus's own ServiceAccount, in its Pod.
const prometheusToken = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:gosec // a path

// HasServiceMonitor reports whether the server has a ServiceMonitor.
func HasServiceMonitor(extensionAPI *v1alpha1.ExtensionAPI) bool {
	return extensionAPI.Spec.Server.ServiceMonitor == v1alpha1.PolicyEnabled
}

// ServiceMonitor makes Prometheus scrape the replicas in the Service, each at its own address, for which no certificate
// is issued: so it verifies the name that kube-apiserver verifies, too, with the server's copy of the trust bundle.
func ServiceMonitor(extensionAPI *v1alpha1.ExtensionAPI) runtime.ApplyConfiguration {
	monitor := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"selector": map[string]any{"matchLabels": untyped(ServerLabels(extensionAPI.Name))},
		"endpoints": []any{map[string]any{
			"port":            portName,
			"scheme":          "https",
			"path":            "/metrics",
			"bearerTokenFile": prometheusToken,
			"tlsConfig": map[string]any{
				"ca": map[string]any{"secret": map[string]any{
					"name": ServingSecretName(extensionAPI.Name), "key": CABundleKey,
				}},
				"serverName": ServingHost(BackendOf(extensionAPI)),
			},
		}},
	}}}
	monitor.SetGroupVersionKind(ServiceMonitorKind)
	monitor.SetNamespace(extensionAPI.Spec.Server.Namespace)
	monitor.SetName(extensionAPI.Name)
	monitor.SetLabels(componentLabels(extensionAPI))
	monitor.SetAnnotations(objectAnnotations(extensionAPI))
	return client.ApplyConfigurationFromUnstructured(monitor)
}
