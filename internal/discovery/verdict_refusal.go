// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"net/http"
	"strings"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	adviceFrontProxy = "the server does not accept kube-apiserver's front-proxy certificate: check " +
		"--proxy-client-cert-file and --requestheader-client-ca-file of kube-apiserver, and ConfigMap " +
		"kube-system/extension-apiserver-authentication"
	adviceAnonymous = "the server takes kube-apiserver for an anonymous user, as it gets no front-proxy certificate or " +
		"has no CA to verify it with: check --proxy-client-cert-file of kube-apiserver, and whether the server may read " +
		"ConfigMap kube-system/extension-apiserver-authentication (Role extension-apiserver-authentication-reader)"
	adviceForbidden = "the server accepts kube-apiserver's front-proxy certificate, but its own authorization refuses " +
		"the user whom kube-apiserver names: check whether its ServiceAccount is bound to ClusterRole " +
		"system:auth-delegator; discovery must be open to every authenticated user (system:discovery)"
	adviceForbiddenToSomeone = "see in the server's log whom it refuses: system:anonymous if it gets no front-proxy " +
		"certificate, see --proxy-client-cert-file of kube-apiserver; another user, such as system:kube-aggregator, if it " +
		"accepts the certificate and its own authorization refuses the request, see ClusterRole system:auth-delegator"
	adviceUnauthenticated = "the server does not authenticate the token of the operator's probes: check its delegated " +
		"authentication, and whether its ServiceAccount is bound to ClusterRole system:auth-delegator"
)

// anonymousUser is the user of a request that the server does not authenticate.
const anonymousUser = "system:anonymous"

// causeOfRefusal is for status 401 or 403 of a request that kube-apiserver sent, and the text of the response. A server
// that does not trust the front-proxy certificate answers 401. One that gets none, or has no CA for it, takes
// kube-apiserver for system:anonymous, and refuses that with 403. Any other user is the one in kube-apiserver's
// headers: the certificate was accepted (k8s.io/apiserver pkg/authentication/request/headerrequest/requestheader.go).
func causeOfRefusal(status int, text string) cause {
	switch {
	case status == http.StatusUnauthorized:
		return cause{v1alpha1.ReasonFrontProxyRejected, adviceFrontProxy}
	case strings.Contains(text, anonymousUser):
		return cause{v1alpha1.ReasonFrontProxyRejected, adviceAnonymous}
	case strings.Contains(text, `User "`):
		return cause{v1alpha1.ReasonForbiddenToKubeAPIServer, adviceForbidden}
	default:
		return cause{v1alpha1.ReasonForbiddenToKubeAPIServer, adviceForbiddenToSomeone}
	}
}

// causeAtReplica is the cause of a failure of a probe that the operator sent to a replica.
func causeAtReplica(sample Sample) cause {
	failure := kindOf(sample)
	if failure.Status == http.StatusUnauthorized || strings.Contains(errorText(sample.Err), anonymousUser) {
		return cause{v1alpha1.ReasonProbeForbidden, adviceUnauthenticated}
	}
	return replicaFailures[failure.Class]
}
