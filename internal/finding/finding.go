// SPDX-License-Identifier: Apache-2.0

// Package finding is what diagnosis finds: the state of one condition, why, and who has to act. It imports nothing of
// this project.
package finding

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Progress is what an ExtensionAPI waits for, in kstatus' terms.
type Progress int

const (
	// Settled means that nothing is left to do.
	Settled Progress = iota
	// Working means that the operator or the cluster is at work.
	Working
	// Stalled means that nothing changes until a person acts.
	Stalled
)

// Finding is the state of a condition. Its zero value, without a code, stands for nothing that was found.
type Finding struct {
	Status metav1.ConditionStatus
	// Code is the reason of the condition.
	Code     string
	Message  string
	Progress Progress
}

// Found reports whether there is anything.
func (f Finding) Found() bool { return f.Code != "" }

// Good is a condition that is True, with nothing left to do.
func Good(code, message string) Finding {
	return Finding{metav1.ConditionTrue, code, message, Settled}
}

// True is a condition that is True, although not everything is done.
func True(code, message string, progress Progress) Finding {
	return Finding{metav1.ConditionTrue, code, message, progress}
}

// Bad is a condition that is False.
func Bad(code, message string, progress Progress) Finding {
	return Finding{metav1.ConditionFalse, code, message, progress}
}

// Unknown is a condition of which not enough is known yet.
func Unknown(code, message string) Finding {
	return Finding{metav1.ConditionUnknown, code, message, Working}
}

// Of is what a condition reported.
func Of(reported *metav1.Condition) Finding {
	return Finding{reported.Status, reported.Reason, reported.Message, Working}
}
