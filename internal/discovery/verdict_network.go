// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// recheckedWithin is how soon kube-apiserver notices that a server has recovered: it checks every 30 seconds, and backs
// off as long after failures (kube-aggregator pkg/controllers/status/remote).
const recheckedWithin = time.Minute

const (
	adviseFrontProxy = "the server does not accept kube-apiserver's front-proxy certificate: check " +
		"--proxy-client-cert-file and --requestheader-client-ca-file of kube-apiserver, and ConfigMap " +
		"kube-system/extension-apiserver-authentication"
	adviseTrust = "kube-apiserver does not trust the server: compare the caBundle of the APIService with the serving " +
		"certificate"
	adviseNetwork = "kube-apiserver gets no answer from the Pods in time: look for a firewall, a network policy or a " +
		"slow network between the control plane and the server's port, or set hostNetwork in the template"
	adviseBroken = "the connection between kube-apiserver and the Pods breaks: look at the server's log, and at proxies " +
		"between"
	adviseLoad = "this kube-apiserver has not loaded the APIService, or finds the server unavailable, while others do " +
		"not: clients that meet it get errors; look at its log"
)

// cause is what a failure means, and what to do.
type cause struct{ reason, advice string }

// judgeThrough speaks of answers through kube-apiservers that no replica is to blame for.
func (p Picture) judgeThrough(through []Subject, good []ReplicaSubject) Finding {
	worst := slices.MaxFunc(through, func(a, b Subject) int { return compareKinds(a.Worst, b.Worst) })
	message := p.happened(worst, "through")
	if class := ClassOf(worst.Worst); class != "" && class != ClassTimeout {
		message = fmt.Sprintf("%s: %v", message, worst.Worst.Err)
	}
	cause := causeThrough(worst.Worst)
	if len(good) == 0 && IsKnown(cause.reason) {
		return found(v1alpha1.ReasonLimitExceeded, "%s; what the replicas do is not known, see status.endpoints", message)
	}
	return found(cause.reason, "%s%s; %s", message, contrast(good), cause.advice)
}

// contrast tells that a replica does well.
func contrast(good []ReplicaSubject) string {
	if len(good) == 0 {
		return ""
	}
	return fmt.Sprintf(", while %s answers the operator in %s", good[0].Name, told(good[0].Answered))
}

// IsKnown tells whether a reason says what is the case, rather than that it cannot be told.
func IsKnown(reason string) bool {
	return !slices.Contains([]string{
		v1alpha1.ReasonProbing, v1alpha1.ReasonNotAvailable, v1alpha1.ReasonKubeAPIServerUnreachable,
		v1alpha1.ReasonKubeAPIServerBusy, v1alpha1.ReasonProbeNotPossible, v1alpha1.ReasonOperatorBlocked,
	}, reason)
}

// causeThrough says what a bad answer through kube-apiserver means when no replica is to blame.
func causeThrough(sample Sample) cause {
	switch class := ClassOf(sample); class {
	case "":
		return cause{
			v1alpha1.ReasonNetworkSlow,
			"the network between this kube-apiserver and the Pods is slow, the server treats what comes through " +
				"kube-apiserver in another way, or kube-apiserver is overloaded",
		}
	case ClassTimeout:
		return cause{v1alpha1.ReasonNetworkBlocked, adviseNetwork}
	case ClassMissing:
		return cause{v1alpha1.ReasonNotPassedOn, adviseLoad}
	case ClassRefused, ClassServerError:
		return causeOfStatus(sample)
	case ClassUnreachable, ClassUntrusted, ClassWrongName, ClassExpired, ClassOther:
		return cause{v1alpha1.ReasonKubeAPIServerUnreachable, "the operator does not get through to this kube-apiserver"}
	default:
		return replicaFailures[class]
	}
}

// Distrusting returns a kube-apiserver that does not trust the server, whatever it reports of the APIService: its
// answers for the group-version have failed several times in a row, and the last one said so.
func (r Round) Distrusting(groupVersion schema.GroupVersion) (kubeAPIServer Subject, found bool) {
	for _, subject := range ofStanding(r.KubeAPIServersOf(groupVersion), Bad) {
		if causeThrough(subject.Last).reason == v1alpha1.ReasonCertificateUntrusted {
			return subject, true
		}
	}
	return Subject{}, false
}

// causeOfStatus tells kube-apiserver's own answers (kube-aggregator pkg/apiserver/handler_proxy.go) from the server's.
func causeOfStatus(sample Sample) cause {
	failure, status := errorText(sample.Err), kindOf(sample).Status
	switch {
	case strings.Contains(failure, "error trying to reach service"):
		return causeOfWords(failure)
	case status == http.StatusUnauthorized, strings.Contains(failure, "system:anonymous"):
		return cause{v1alpha1.ReasonFrontProxyRefused, adviseFrontProxy}
	case status == http.StatusTooManyRequests:
		return cause{v1alpha1.ReasonKubeAPIServerBusy, "kube-apiserver, or the server, is busy: see its flow control"}
	case status == http.StatusServiceUnavailable:
		return cause{v1alpha1.ReasonNotPassedOn, adviseLoad}
	case status == http.StatusForbidden:
		return replicaFailures[ClassRefused]
	default:
		return replicaFailures[ClassServerError]
	}
}

var badStatus = regexp.MustCompile(`bad status from \S+: (\d+)`)

// judgeUnavailable says why kube-apiserver's own check of discovery fails. Right after replicas have recovered, it has
// not looked again yet.
func (p Picture) judgeUnavailable(good []ReplicaSubject) Finding {
	if len(good) < len(serving(p.Replicas)) {
		return p.waiting()
	}
	unknown := found(v1alpha1.ReasonNotAvailable, "%s is not available, so kube-apiserver does not ask the server; see "+
		"APIServicesAvailable", p.Name)
	if p.CheckFailed == "" || len(good) == 0 {
		return unknown
	}
	longest := slices.MinFunc(good, func(a, b ReplicaSubject) int { return a.Since.Compare(b.Since) })
	if left := longest.Since.Add(recheckedWithin).Sub(p.Now); left > 0 {
		unknown.Again = left
		return unknown
	}
	cause := causeOfCheck(p.CheckFailed)
	return found(cause.reason, "%s: kube-apiserver's check of discovery fails (%s)%s; %s",
		p.Name, p.CheckFailed, contrast(good), cause.advice)
}

// IsFrontProxyRefused tells whether kube-apiserver's check of discovery failed with these words because the server does
// not accept kube-apiserver.
func IsFrontProxyRefused(words string) bool {
	return causeOfCheck(words).reason == v1alpha1.ReasonFrontProxyRefused
}

// causeOfCheck reads the words of kube-aggregator pkg/controllers/status/remote.
func causeOfCheck(words string) cause {
	switch status := badStatus.FindStringSubmatch(words); {
	case status == nil:
		return causeOfWords(words)
	case status[1] == "401", status[1] == "403":
		return cause{v1alpha1.ReasonFrontProxyRefused, adviseFrontProxy}
	default:
		return replicaFailures[ClassServerError]
	}
}

var broken = regexp.MustCompile(`EOF|reset by peer|broken pipe|GOAWAY|client connection lost`)

// causeOfWords reads what net/http says of a request that kube-apiserver has sent to the server.
func causeOfWords(words string) cause {
	switch {
	case strings.Contains(words, "remote error: tls"):
		return cause{v1alpha1.ReasonFrontProxyRefused, adviseFrontProxy}
	case strings.Contains(words, "x509:"):
		return cause{v1alpha1.ReasonCertificateUntrusted, adviseTrust}
	case broken.MatchString(words):
		return cause{v1alpha1.ReasonConnectionBroken, adviseBroken}
	default:
		return cause{v1alpha1.ReasonNetworkBlocked, adviseNetwork}
	}
}
