// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// readyWhen are the conditions that Ready sums up, in the order of a server's life: the first that is not True is the
// cause of the others.
var readyWhen = []string{
	v1alpha1.ConditionClaimed,
	v1alpha1.ConditionCertificatesReady,
	v1alpha1.ConditionServerAvailable,
	v1alpha1.ConditionRegistered,
	v1alpha1.ConditionAPIServicesAvailable,
}

// Found are the conditions of which there are findings; the others follow from them.
func Found() []string {
	return append(slices.Clone(readyWhen), v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ConditionServesObjects,
		v1alpha1.ConditionNamespacesDeletable, v1alpha1.ConditionControllersAvailable, v1alpha1.ConditionStorageAvailable)
}

// Conditions are what a reconciliation has found of an ExtensionAPI.
type Conditions struct {
	// Generation is that of the ExtensionAPI.
	Generation int64
	// Findings are by the types of conditions.
	Findings map[string]finding.Finding
	// Suspended is what is reported of a suspension, as Reconciling; it has no code while there is none.
	Suspended finding.Finding
	// Interruption is why not everything was looked at, nil when it was, and Interrupted since when.
	Interruption error
	Interrupted  time.Time
	// Incomplete reports whether something was not done for another reason, and will be soon.
	Incomplete bool
	Now        time.Time
}

// staysFor is how long what is not looked at stays as it was: longer than a kube-apiserver takes to be restarted.
const staysFor = 3 * time.Minute

// WriteTo sets every condition: those of which there are findings, and Ready, Reconciling and Stalled. After an
// interruption, what was not looked at stays as it was, of the generation that it was of; after 3 minutes it is
// Unknown.
func (c Conditions) WriteTo(status *v1alpha1.ExtensionAPIStatus) {
	findings := map[string]finding.Finding{}
	for _, conditionType := range Found() {
		found, concluded := c.Findings[conditionType]
		earlier := meta.FindStatusCondition(status.Conditions, conditionType)
		switch {
		case concluded:
			c.set(status, conditionType, found, c.Generation)
		case c.Interruption != nil && c.Now.Sub(c.Interrupted) >= staysFor:
			found = c.notObserved()
			c.set(status, conditionType, found, c.Generation)
		case earlier != nil:
			found = finding.Of(earlier)
		default:
			found = finding.Unknown(v1alpha1.ReasonPending, "not observed yet")
			c.set(status, conditionType, found, c.Generation)
		}
		findings[conditionType] = found
	}
	reconciling, stalled := c.progress(findings)
	if c.Interruption == nil && !c.Incomplete {
		status.ObservedGeneration = c.Generation
	}
	observed := max(0, status.ObservedGeneration)
	c.set(status, v1alpha1.ConditionReady, ready(findings), observed)
	c.set(status, v1alpha1.ConditionReconciling, reconciling, observed)
	c.set(status, v1alpha1.ConditionStalled, stalled, observed)
}

func (c Conditions) notObserved() finding.Finding {
	return finding.Unknown(v1alpha1.ReasonNotObserved, fmt.Sprintf(
		"it could not be observed since %s: %v", c.Interrupted.UTC().Format(time.RFC3339), c.Interruption))
}

func (c Conditions) set(
	status *v1alpha1.ExtensionAPIStatus, conditionType string, found finding.Finding, generation int64,
) {
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type:               conditionType,
		Status:             found.Status,
		Reason:             found.Code,
		Message:            found.Message(),
		ObservedGeneration: generation,
		LastTransitionTime: metav1.NewTime(c.Now),
	})
}

// ready is the first cause why the API is not served, or that it is.
func ready(findings map[string]finding.Finding) finding.Finding {
	for _, conditionType := range readyWhen {
		if found := findings[conditionType]; found.Status != metav1.ConditionTrue {
			if conditionType == v1alpha1.ConditionServerAvailable &&
				findings[v1alpha1.ConditionAPIServicesAvailable].Code == v1alpha1.ReasonStandIn {
				found.Code = v1alpha1.ReasonStandIn // a column of kubectl get
			}
			return referring(found, conditionType)
		}
	}
	if server := findings[v1alpha1.ConditionServerAvailable]; server.Progress != finding.Settled {
		return finding.Good(v1alpha1.ReasonReady, "the API is served and registered, but the rollout is not complete: "+
			referring(server, v1alpha1.ConditionServerAvailable).Message())
	}
	return finding.Good(v1alpha1.ReasonReady, "the API is served and registered")
}

// maxRepeated is how many bytes of a message other conditions repeat.
const maxRepeated = 300

// referring repeats what was found for a condition, or the beginning of it and where to read on.
func referring(found finding.Finding, conditionType string) finding.Finding {
	message := found.Message()
	if len(message) <= maxRepeated {
		return found
	}
	found.Subject, found.BlastRadius, found.Remedy = "", "", ""
	found.Evidence = fmt.Sprintf("see %s: %s", conditionType, excerpt.Of(message, maxRepeated))
	return found
}

// noActionRequired is what Stalled reports otherwise.
var noActionRequired = finding.Bad(v1alpha1.ReasonAsDesired, "No action required.", finding.Settled)

// progress reports whether anything is still being done, or waits for a person. Both at once would contradict each
// other; what waits for a person shows again when the request succeeds, or spec.suspend is false.
func (c Conditions) progress(findings map[string]finding.Finding) (reconciling, stalled finding.Finding) {
	switch {
	case c.Suspended.Found():
		return c.Suspended, noActionRequired
	case c.Interruption != nil:
		message := fmt.Sprintf("%v; retrying", c.Interruption)
		return finding.True(v1alpha1.ReasonRetrying, message, finding.Working), noActionRequired
	default:
		return progressOf(findings)
	}
}

func progressOf(findings map[string]finding.Finding) (reconciling, stalled finding.Finding) {
	reconciling = finding.Bad(v1alpha1.ReasonAsDesired, "Nothing is left to do.", finding.Settled)
	stalled = noActionRequired
	for _, conditionType := range slices.Backward(readyWhen) {
		found := findings[conditionType]
		switch found.Progress {
		case finding.Working:
			message := referring(found, conditionType).Message()
			reconciling = finding.True(v1alpha1.ReasonProgressing, message, finding.Working)
		case finding.Stalled:
			stalled = finding.True(found.Code, referring(found, conditionType).Message(), finding.Stalled)
		}
	}
	if stalled.Status == metav1.ConditionTrue {
		reconciling = finding.Bad(v1alpha1.ReasonStalled, "see Stalled", finding.Settled)
	}
	return reconciling, stalled
}
