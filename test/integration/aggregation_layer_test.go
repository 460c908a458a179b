// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/holders"
	"github.com/extensionapi/extensionapi-operator/test/installation"
)

// requestHeaders is the prefix of the flags that configure how extension API servers authenticate kube-apiserver.
const requestHeaders = "requestheader-"

// A server that is registered anyway rejects kube-apiserver, so that the group-version is unavailable: a server built
// on k8s.io/apiserver responds with 401 to an unknown client certificate, and with 403 to a kube-apiserver without one.
func TestNothingIsRegisteredIfTheAggregationLayerIsNotConfigured(t *testing.T) {
	t.Parallel()
	t.Run("no CA", func(t *testing.T) {
		t.Parallel()
		layer := startMisconfigured(t, requestHeaders)
		layer.expectNotRegistered(t, "--requestheader-client-ca-file", "kube-system/extension-apiserver-authentication")
		layer.expectDocumented(t, "no-request-header-authority", layer.name, v1alpha1.ConditionRegistered)
		layer.expectRefused(t, "401", "--requestheader-client-ca-file")
		layer.configure(t)
		layer.await(t, layer.name, status.CurrentStatus,
			isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
			isTrue(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAllAvailable))
	})
	t.Run("no certificate", func(t *testing.T) {
		t.Parallel()
		layer := startMisconfigured(t, "proxy-client-")
		kubeAPIServer := "kube-apiserver " + layer.env.ControlPlane.APIServer.HostPort()
		layer.expectNotRegistered(t, "--proxy-client-cert-file", kubeAPIServer)
		layer.expectDocumented(t, "no-proxy-certificate", layer.name, v1alpha1.ConditionRegistered)
		layer.expectRefused(t, "403", "--proxy-client-cert-file")
	})
}

// misconfigured is a dedicated control plane, with an operator, and an ExtensionAPI whose server is sample-apiserver.
type misconfigured struct {
	*controlPlane
	// name of the ExtensionAPI.
	name string
	// apiService is an APIService that a user could create by hand to register the server.
	apiService *apiregistrationv1.APIService
}

func startMisconfigured(t *testing.T, without string) misconfigured {
	t.Helper()
	p, _ := startApart(t, without)
	const name = "wardle"
	backend := p.exposeBackend(t, name, freePort(t))
	p.startSampleServer(t, backend.port, servingFor(t, backend.signer, name))
	p.create(t, backend.declare(groups("wardle.example.com", "v1beta1")))
	apiService := holders.APIServiceOf(groupVersion("wardle.example.com", "v1beta1"))
	apiService.Labels = manifests.Labels(name)
	apiService.Spec.CABundle, apiService.Spec.InsecureSkipTLSVerify = backend.signer.Certificate, false
	apiService.Spec.Service = &apiregistrationv1.ServiceReference{Namespace: name, Name: name, Port: &backend.port}
	return misconfigured{p, name, apiService}
}

// startApart starts a control plane and an operator that run until the end of the test.
func startApart(t *testing.T, without string, enabled ...string) (*controlPlane, *operator) {
	t.Helper()
	p, err := startControlPlane(without, enabled...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	o, err := startOperator(p, installed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.stop)
	return p, o
}

func (m misconfigured) expectNotRegistered(t *testing.T, says ...string) {
	t.Helper()
	says = append(says, "v1beta1.wardle.example.com", "blocks the deletion of every namespace")
	m.await(t, m.name, status.FailedStatus,
		isTrue(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonEndpointsReady),
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonAggregationLayerNotConfigured, says...),
		isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonAggregationLayerNotConfigured, "see Registered"),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered))
	err := m.client.Get(ctx, client.ObjectKeyFromObject(m.apiService), &apiregistrationv1.APIService{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the server is registered (%v)", err)
	}
}

// expectRefused registers the server by hand temporarily, as if that had been done before the flags were removed.
func (m misconfigured) expectRefused(t *testing.T, code, flag string) {
	t.Helper()
	m.create(t, m.apiService)
	m.await(t, m.name, status.FailedStatus,
		isTrue(v1alpha1.ConditionRegistered, v1alpha1.ReasonRegistered),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonAggregationLayerNotConfigured,
			fmt.Sprintf("/apis/wardle.example.com/v1beta1: %s;", code), flag),
		isUnknown(v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ReasonNotAvailable, "see APIServicesAvailable"))
	m.expectDocumented(t, "refused-with-"+code, m.name, v1alpha1.ConditionAPIServicesAvailable)
	if err := m.client.Delete(ctx, m.apiService); err != nil {
		t.Fatal(err)
	}
}

// configure publishes what kube-apiserver would publish with the flags. kube-apiserver does not remove it.
func (m misconfigured) configure(t *testing.T) {
	t.Helper()
	configMap := &corev1.ConfigMap{ObjectMeta: in("kube-system", "extension-apiserver-authentication")}
	if err := m.client.Get(ctx, client.ObjectKeyFromObject(configMap), configMap); err != nil {
		t.Fatal(err)
	}
	for flag, value := range installation.FrontProxyFlags(m.dir) {
		if strings.HasPrefix(flag, requestHeaders) {
			configMap.Data[flag] = fmt.Sprintf("[%q]", value)
		}
	}
	ca, err := os.ReadFile(installation.FrontProxyFlags(m.dir)[installation.RequestHeaderCA])
	if err != nil {
		t.Fatal(err)
	}
	configMap.Data[installation.RequestHeaderCA] = string(ca)
	if err := m.client.Update(ctx, configMap); err != nil {
		t.Fatal(err)
	}
}
