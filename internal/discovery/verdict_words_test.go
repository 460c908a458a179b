// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// Only words that mean that packets do not arrive lead to advice about firewalls.
func TestCausesAreReadFromTheWordsOfKubeAPIServer(t *testing.T) {
	const check = `failing or missing response from https://10.0.0.7:443/apis/a/v1: Get "https://10.0.0.7:443/apis/a/v1": `
	const proxied = "answered 503 Service Unavailable: error trying to reach service: "
	const network, failed = v1alpha1.ReasonNetworkBlocked, v1alpha1.ReasonConnectionFailed
	for text, want := range map[string]cause{
		check + "context deadline exceeded":                            {network, adviceNetwork},
		check + "net/http: request canceled (Client.Timeout exceeded)": {network, adviceNetwork},
		check + "net/http: TLS handshake timeout":                      {network, adviceNetwork},
		proxied + "dial tcp 10.0.0.7:443: i/o timeout":                 {network, adviceNetwork},
		proxied + "dial tcp 10.0.0.7:443: connect: connection refused": {network, adviceNoConnection},
		proxied + "dial tcp 10.0.0.7:443: connect: no route to host":   {network, adviceNoConnection},
		proxied + "dial tcp 10.0.0.7:443: network is unreachable":      {network, adviceNoConnection},
		proxied + "read tcp 10.0.0.7:443: connection reset by peer":    {v1alpha1.ReasonConnectionBroken, adviceBroken},
		proxied + "remote error: tls: bad certificate":                 {v1alpha1.ReasonFrontProxyRejected, adviceFrontProxy},
		proxied + "tls: x509: certificate signed by unknown authority": {v1alpha1.ReasonCertificateUntrusted, adviceTrust},
		check + "Forbidden":     {v1alpha1.ReasonHTTPSProxy, adviceHTTPSProxy},
		proxied + "Bad Gateway": {v1alpha1.ReasonHTTPSProxy, adviceHTTPSProxy},
		"Forbidden":             {v1alpha1.ReasonHTTPSProxy, adviceHTTPSProxy},
		check + "proxyconnect tcp: dial tcp 192.0.2.1:3128: i/o timeout": {v1alpha1.ReasonHTTPSProxy, adviceHTTPSProxy},
		proxied + "proxyconnect tcp: tls: x509: unknown authority":       {v1alpha1.ReasonHTTPSProxy, adviceHTTPSProxy},
		proxied + "dial tcp: lookup a.b.svc: no such host":               {failed, adviceUnexplained},
		check + "http: server gave HTTP response to HTTPS client":        {failed, adviceUnexplained},
		"what no version of kube-apiserver said before":                  {failed, adviceUnexplained},
	} {
		if got := causeOfText(text); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
