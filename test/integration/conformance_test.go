// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// conditionTypes are the conditions of every ExtensionAPI that the operator has reconciled.
var conditionTypes = []string{
	v1alpha1.ConditionClaimed,
	v1alpha1.ConditionCertificatesReady,
	v1alpha1.ConditionServerAvailable,
	v1alpha1.ConditionRegistered,
	v1alpha1.ConditionAPIServicesAvailable,
	v1alpha1.ConditionDiscoveryWithinLimit,
	v1alpha1.ConditionServesObjects,
	v1alpha1.ConditionNamespacesDeletable,
	v1alpha1.ConditionControllersAvailable,
	v1alpha1.ConditionStorageAvailable,
	v1alpha1.ConditionReady,
	v1alpha1.ConditionReconciling,
	v1alpha1.ConditionStalled,
}

// checkConformance checks the invariants of an ExtensionAPI, which hold at any time; every test checks them whenever it
// reads one.
func checkConformance(extensionAPI *v1alpha1.ExtensionAPI) error {
	if len(extensionAPI.Status.Conditions) == 0 {
		return checkUntouched(extensionAPI)
	}
	if observed := extensionAPI.Status.ObservedGeneration; observed > extensionAPI.Generation {
		return fmt.Errorf("status.observedGeneration is %d at generation %d", observed, extensionAPI.Generation)
	}
	for _, conditionType := range conditionTypes {
		if err := checkCondition(extensionAPI, conditionType); err != nil {
			return err
		}
	}
	if known, found := len(conditionTypes), len(extensionAPI.Status.Conditions); found != known {
		return fmt.Errorf("%d conditions, want %d", found, known)
	}
	return checkSummary(extensionAPI)
}

func checkUntouched(extensionAPI *v1alpha1.ExtensionAPI) error {
	if observed := extensionAPI.Status.ObservedGeneration; observed != -1 {
		return fmt.Errorf("status.observedGeneration is %d without any condition", observed)
	}
	return nil
}

func checkCondition(extensionAPI *v1alpha1.ExtensionAPI, conditionType string) error {
	condition := meta.FindStatusCondition(extensionAPI.Status.Conditions, conditionType)
	switch observed := extensionAPI.Status.ObservedGeneration; {
	case condition == nil:
		return fmt.Errorf("there is no condition %s", conditionType)
	case condition.ObservedGeneration < observed, condition.ObservedGeneration > extensionAPI.Generation:
		return fmt.Errorf("condition %s has generation %d, the status %d, the object %d",
			conditionType, condition.ObservedGeneration, observed, extensionAPI.Generation)
	case condition.Reason == "", condition.Message == "":
		return fmt.Errorf("condition %s has no reason or message: %+v", conditionType, *condition)
	}
	return nil
}

// checkSummary compares Ready, Reconciling and Stalled with the conditions that they summarize.
func checkSummary(extensionAPI *v1alpha1.ExtensionAPI) error {
	is := func(conditionType string) bool {
		return meta.IsStatusConditionTrue(extensionAPI.Status.Conditions, conditionType)
	}
	served := is(v1alpha1.ConditionClaimed) && is(v1alpha1.ConditionCertificatesReady) &&
		is(v1alpha1.ConditionServerAvailable) && is(v1alpha1.ConditionRegistered) &&
		is(v1alpha1.ConditionAPIServicesAvailable)
	reconciling, stalled := is(v1alpha1.ConditionReconciling), is(v1alpha1.ConditionStalled)
	isSuspended := meta.FindStatusCondition(extensionAPI.Status.Conditions, v1alpha1.ConditionReconciling).Reason ==
		v1alpha1.ReasonSuspended
	switch {
	case is(v1alpha1.ConditionReady) != served:
		return fmt.Errorf("condition Ready does not match the conditions that it summarizes")
	case reconciling && stalled:
		return fmt.Errorf("both Reconciling and Stalled are True")
	case !served && !reconciling && !stalled && !isSuspended:
		return fmt.Errorf("not Ready, but neither Reconciling nor Stalled")
	}
	// kstatus computes InProgress for objects that are not Ready for no reason that it knows.
	return checkKStatus(extensionAPI, reconciling || !served && !stalled, stalled)
}

func checkKStatus(extensionAPI *v1alpha1.ExtensionAPI, reconciling, stalled bool) error {
	wanted := status.CurrentStatus
	switch {
	case extensionAPI.DeletionTimestamp != nil:
		wanted = status.TerminatingStatus
	case reconciling, extensionAPI.Status.ObservedGeneration != extensionAPI.Generation:
		wanted = status.InProgressStatus
	case stalled:
		wanted = status.FailedStatus
	}
	computed, err := kstatusOf(extensionAPI)
	if err == nil && computed != wanted {
		err = fmt.Errorf("kstatus computes %s, want %s", computed, wanted)
	}
	if err != nil {
		return err
	}
	return checkHealth(extensionAPI, computed)
}

// kstatusOf returns the status that kubectl wait, Helm and GitOps tools compute for the object.
func kstatusOf(extensionAPI *v1alpha1.ExtensionAPI) (status.Status, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(extensionAPI)
	if err != nil {
		return "", err
	}
	result, err := status.Compute(&unstructured.Unstructured{Object: content})
	if err != nil {
		return "", err
	}
	return result.Status, nil
}

// describe returns the state of an ExtensionAPI for the messages of failed tests.
func describe(extensionAPI *v1alpha1.ExtensionAPI) string {
	text := &strings.Builder{}
	shown := extensionAPI.Status.DeepCopy()
	fmt.Fprintf(text, "%s, generation %d, observed %d, deleted %v\n",
		extensionAPI.Name, extensionAPI.Generation, shown.ObservedGeneration, extensionAPI.DeletionTimestamp)
	for _, c := range shown.Conditions {
		fmt.Fprintf(text, "  %s %s %s (generation %d): %s\n", c.Type, c.Status, c.Reason, c.ObservedGeneration, c.Message)
	}
	shown.Conditions = nil
	rest, err := json.Marshal(shown)
	fmt.Fprintln(text, " ", string(rest), err)
	return text.String()
}
