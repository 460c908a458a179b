// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"strings"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// judgeNetwork speaks of what lies between a kube-apiserver and replicas that are not bad.
func (p Picture) judgeNetwork(through Subject, good []Subject) Finding {
	reason, advice := networkFailure(through.Record.Worst)
	message := p.headline(through)
	if err := through.Record.Worst.Err; err != nil {
		message = fmt.Sprintf("%s: %v", message, err)
	}
	if len(good) > 0 {
		message = fmt.Sprintf("%s, while %s answers the operator in %s", message, good[0].Name, told(good[0].Record.P50))
	}
	return Finding{reason, message + advice}
}

// networkFailure says what a failure through kube-apiserver means when no replica is to blame, and what to do.
func networkFailure(sample Sample) (reason, advice string) {
	class := classOfSample(sample)
	switch {
	case class == "":
		return v1alpha1.ReasonNetworkSlow,
			"; the network between this kube-apiserver and the Pods is slow, or kube-apiserver is overloaded"
	case class == ClassRefused:
		return v1alpha1.ReasonFrontProxyRefused, "; the server does not accept kube-apiserver's front-proxy certificate: " +
			"check --proxy-client-cert-file and --requestheader-client-ca-file of kube-apiserver, and ConfigMap " +
			"kube-system/extension-apiserver-authentication"
	case class == ClassNotAsked:
		return v1alpha1.ReasonProbeNotPossible, ""
	case strings.Contains(sample.Err.Error(), "x509:") && class == ClassServerError:
		return v1alpha1.ReasonCertificateUntrusted,
			"; kube-apiserver does not trust the server: compare the caBundle of the APIService with the serving certificate"
	case class == ClassTimeout, class == ClassServerError:
		return v1alpha1.ReasonNetworkBlocked, "; this kube-apiserver does not get through to the Pods: look for a firewall " +
			"or network policy on the server's port, or set hostNetwork in the template"
	default:
		return v1alpha1.ReasonKubeAPIServerUnreachable, ""
	}
}
