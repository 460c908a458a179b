// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

var (
	broken       = regexp.MustCompile(`EOF|reset by peer|broken pipe|GOAWAY|client connection lost`)
	timedOut     = regexp.MustCompile(`(?i)time-?out|timed out|deadline exceeded`)
	noConnection = regexp.MustCompile(`connection refused|no route to host|(network|host) is (unreachable|down)`)
)

// causeOfText parses a net/http error of a request that kube-apiserver has sent to the server. Words that it does not
// know are not taken for a firewall.
func causeOfText(text string) cause {
	switch {
	case isOfProxy(text):
		return cause{v1alpha1.ReasonHTTPSProxy, adviceHTTPSProxy}
	case strings.Contains(text, "remote error: tls"):
		return cause{v1alpha1.ReasonFrontProxyRejected, adviceFrontProxy}
	case strings.Contains(text, "x509:"):
		return cause{v1alpha1.ReasonCertificateUntrusted, adviceTrust}
	case noConnection.MatchString(text):
		return cause{v1alpha1.ReasonNetworkBlocked, adviceNoConnection}
	case timedOut.MatchString(text):
		return cause{v1alpha1.ReasonNetworkBlocked, adviceNetwork}
	case broken.MatchString(text):
		return cause{v1alpha1.ReasonConnectionBroken, adviceBroken}
	default:
		return cause{v1alpha1.ReasonConnectionFailed, adviceUnexplained}
	}
}

// IsSentToProxy reports whether this error of kube-apiserver's discovery check is of an HTTP proxy that it uses.
func IsSentToProxy(text string) bool { return causeOfCheck(text).reason == v1alpha1.ReasonHTTPSProxy }

// isOfProxy reports whether the error is of a proxy between kube-apiserver and the server: net/http cannot connect to
// it (proxyconnect), or it answers CONNECT with another status than 200, of which the error is the bare text
// (net/http/transport.go).
func isOfProxy(text string) bool {
	if strings.Contains(text, "proxyconnect ") {
		return true
	}
	last := strings.Trim(text[strings.LastIndex(text, ": ")+1:], " '\"")
	for status := http.StatusBadRequest; status < 600; status++ {
		if last != "" && last == http.StatusText(status) {
			return true
		}
	}
	return false
}
