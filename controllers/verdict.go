// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// progress says what an ExtensionAPI waits for, in kstatus' terms.
type progress int

const (
	// settled: nothing is left to do.
	settled progress = iota
	// working: the operator or the cluster is at it.
	working
	// stalled: nothing will change until somebody acts.
	stalled
)

// verdict is what a phase has to say of its condition.
type verdict struct {
	status   metav1.ConditionStatus
	reason   string
	message  string
	progress progress
}

func good(reason, message string) verdict {
	return verdict{metav1.ConditionTrue, reason, message, settled}
}

func bad(reason, message string, progress progress) verdict {
	return verdict{metav1.ConditionFalse, reason, message, progress}
}

// verdictOf repeats what was told.
func verdictOf(told *metav1.Condition) verdict {
	return verdict{told.Status, told.Reason, told.Message, working}
}

func unknown(reason, message string) verdict {
	return verdict{metav1.ConditionUnknown, reason, message, working}
}
