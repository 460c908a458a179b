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
// off up to as long after failures (kube-aggregator pkg/controllers/status/remote).
const recheckedWithin = time.Minute

const (
	adviceTrust = "kube-apiserver does not trust the server: compare the caBundle of the APIService with the serving " +
		"certificate"
	adviceNetwork = "kube-apiserver gets no answer from the Pods in time: check for a firewall, a network policy or a " +
		"slow network between the control plane and the server's port, or set hostNetwork in the template"
	adviceNoConnection = "kube-apiserver cannot connect to the Pods: check for a firewall, a network policy or a " +
		"missing route between the control plane and the server's port, or set hostNetwork in the template"
	adviceBroken = "the connection between kube-apiserver and the Pods breaks: look at the server's log, and at proxies " +
		"in between"
	adviceHTTPSProxy = "kube-apiserver sends requests for the server to the proxy in its HTTPS_PROXY: add the Service " +
		"and Pod ranges of the cluster, and .svc,.cluster.local, to NO_PROXY of every kube-apiserver, and restart it"
	adviceUnexplained = "kube-apiserver cannot send requests to the server, for the reason that it states: look at its " +
		"log and at the server's"
	adviceLoad = "this kube-apiserver has not loaded the APIService, or finds the server unavailable, while others do " +
		"not: clients connected to it get errors; look at its log"
)

// cause is the reason for a failure, and the advice.
type cause struct{ reason, advice string }

// judgeThrough judges bad results through kube-apiservers that no replica causes.
func (p GroupVersionState) judgeThrough(through []Subject, good []ReplicaSubject) Finding {
	for i := range through {
		through[i].Worst = through[i].decisive()
	}
	worst := slices.MaxFunc(through, func(a, b Subject) int { return compareKinds(a.Worst, b.Worst) })
	message := p.happened(worst, "through")
	if class := ClassOf(worst.Worst); class != "" && class != ClassTimeout {
		message = fmt.Sprintf("%s: %v", message, worst.Worst.Err)
	}
	cause := causeThrough(worst.Worst)
	if len(good) == 0 && IsKnown(cause.reason) {
		return found(v1alpha1.ReasonLimitExceeded, "%s; the state of the replicas is unknown, see status.endpoints", message)
	}
	return found(cause.reason, "%s%s%s; %s", message, contrast(good), p.sharing(cause.reason), cause.advice)
}

// decisive returns the bad result that matters of a kube-apiserver: the worst, unless it cannot be reached any more.
// One that begins to hang leaves the first request over an open connection without an answer, as if the server had not
// answered it.
func (s Subject) decisive() Sample {
	if ClassOf(s.Last) == ClassUnreachable {
		return s.Last
	}
	return s.Worst
}

// failsCheck are the causes for which kube-apiserver's own check of discovery fails, too.
var failsCheck = []string{
	v1alpha1.ReasonNetworkBlocked, v1alpha1.ReasonConnectionFailed, v1alpha1.ReasonHTTPSProxy,
	v1alpha1.ReasonFrontProxyRejected,
}

// sharing adds who else is affected by what only some of several kube-apiservers meet: all write the same status of the
// APIService, and answer 503 while it is false (kube-aggregator pkg/apiserver/handler_proxy.go).
func (p GroupVersionState) sharing(reason string) string {
	if !slices.Contains(failsCheck, reason) || len(ofStanding(p.KubeAPIServers, Healthy)) == 0 {
		return ""
	}
	return "; the other kube-apiservers reach it, but all report one status, so their clients get 503 at times, too"
}

// contrast names a replica that is healthy.
func contrast(good []ReplicaSubject) string {
	if len(good) == 0 {
		return ""
	}
	return fmt.Sprintf(", while %s answers the operator in %s", good[0].Name, rounded(good[0].Latency))
}

// IsKnown reports whether a reason states a known cause, rather than that it cannot be determined.
func IsKnown(reason string) bool {
	return !slices.Contains([]string{
		v1alpha1.ReasonProbing, v1alpha1.ReasonNotAvailable, v1alpha1.ReasonKubeAPIServerUnreachable,
		v1alpha1.ReasonKubeAPIServerBusy, v1alpha1.ReasonProbeNotPossible, v1alpha1.ReasonOperatorBlocked,
	}, reason)
}

// causeThrough returns the cause of a bad result through kube-apiserver that no replica causes.
func causeThrough(sample Sample) cause {
	switch class := ClassOf(sample); class {
	case "":
		return cause{
			v1alpha1.ReasonNetworkSlow,
			"the network between this kube-apiserver and the Pods is slow, the server handles requests from kube-apiserver " +
				"differently, or kube-apiserver is overloaded",
		}
	case ClassTimeout:
		return cause{v1alpha1.ReasonNetworkBlocked, adviceNetwork}
	case ClassMissing:
		return cause{v1alpha1.ReasonNotProxied, adviceLoad}
	case ClassRefused, ClassServerError:
		return causeOfStatus(sample)
	case ClassUnreachable, ClassUntrusted, ClassWrongName, ClassExpired, ClassOther:
		return cause{v1alpha1.ReasonKubeAPIServerUnreachable, "the operator cannot reach this kube-apiserver"}
	default:
		return replicaFailures[class]
	}
}

// UntrustingKubeAPIServer returns a kube-apiserver that does not trust the server's certificate, whatever the
// APIService's status: probes of the group-version through it have failed several times in a row, the last one for that
// reason.
func (r Round) UntrustingKubeAPIServer(groupVersion schema.GroupVersion) (kubeAPIServer Subject, found bool) {
	for _, subject := range ofStanding(r.KubeAPIServersOf(groupVersion), Unhealthy) {
		if causeThrough(subject.Last).reason == v1alpha1.ReasonCertificateUntrusted {
			return subject, true
		}
	}
	return Subject{}, false
}

// causeOfStatus distinguishes kube-apiserver's own responses (kube-aggregator pkg/apiserver/handler_proxy.go) from the
// server's.
func causeOfStatus(sample Sample) cause {
	failure, status := errorText(sample.Err), kindOf(sample).Status
	switch {
	case strings.Contains(failure, "error trying to reach service"):
		return causeOfText(failure)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return causeOfRefusal(status, failure)
	case status == http.StatusTooManyRequests:
		return cause{v1alpha1.ReasonKubeAPIServerBusy, "kube-apiserver, or the server, is busy: see its flow control"}
	case status == http.StatusServiceUnavailable:
		return cause{v1alpha1.ReasonNotProxied, adviceLoad}
	default:
		return replicaFailures[ClassServerError]
	}
}

var badStatus = regexp.MustCompile(`bad status from \S+: (\d+)`)

// Unavailable is found of an APIService that kube-apiserver reports unavailable, for a reason that is not known.
func Unavailable(name string) Finding {
	return found(v1alpha1.ReasonNotAvailable, "%s is not available, so kube-apiserver sends no requests to the server; "+
		"see APIServicesAvailable", name)
}

// judgeUnavailable explains why kube-apiserver's own discovery check fails. Right after replicas have recovered,
// kube-apiserver has not repeated it yet.
func (p GroupVersionState) judgeUnavailable(good []ReplicaSubject) Finding {
	if len(good) < len(serving(p.Replicas)) {
		return p.waiting()
	}
	unknown := Unavailable(p.Name)
	if p.CheckFailed == "" || len(good) == 0 {
		return unknown
	}
	longest := slices.MinFunc(good, func(a, b ReplicaSubject) int { return a.Since.Compare(b.Since) })
	if left := longest.Since.Add(recheckedWithin).Sub(p.Now); left > 0 {
		unknown.Recheck = left
		return unknown
	}
	cause := causeOfCheck(p.CheckFailed)
	return found(cause.reason, "%s: kube-apiserver's check of discovery fails (%s)%s; %s",
		p.Name, p.CheckFailed, contrast(good), cause.advice)
}

// IsKubeAPIServerRefused reports whether this error of kube-apiserver's discovery check means that the server answers
// it 401 or 403, or rejects its certificate, as it does where the aggregation layer is not configured.
func IsKubeAPIServerRefused(text string) bool {
	reason := causeOfCheck(text).reason
	return reason == v1alpha1.ReasonFrontProxyRejected || reason == v1alpha1.ReasonForbiddenToKubeAPIServer
}

// causeOfCheck parses the error messages of kube-aggregator pkg/controllers/status/remote.
func causeOfCheck(text string) cause {
	switch status := badStatus.FindStringSubmatch(text); {
	case status == nil:
		return causeOfText(text)
	case status[1] == "401":
		return causeOfRefusal(http.StatusUnauthorized, "")
	case status[1] == "403":
		return causeOfRefusal(http.StatusForbidden, "") // the check does not repeat whom the server refuses
	default:
		return replicaFailures[ClassServerError]
	}
}
