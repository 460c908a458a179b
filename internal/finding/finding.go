// SPDX-License-Identifier: Apache-2.0

// Package finding is what diagnosis finds: what is wrong with what, who is affected, and what to do. Sentences are made
// of it at the edge, by Message. It imports nothing of this project.
package finding

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Progress is what an ExtensionAPI waits for, in kstatus' terms.
type Progress int

const (
	// Settled means that nothing is left to do.
	Settled Progress = iota
	// Working means that the operator or the cluster is working on it.
	Working
	// Stalled means that nothing changes until a user acts.
	Stalled
)

// Severity is how urgent a finding is. The zero value follows from the status: Info when that is True, else Warning.
type Severity int

const (
	// Info is worth no attention.
	Info Severity = iota + 1
	// Warning is worth a look, also while requests are still served.
	Warning
	// Critical means that something does not work at all.
	Critical
)

// Finding is the state of a condition. Its zero value, without a code, stands for nothing that was found.
type Finding struct {
	Status metav1.ConditionStatus
	// Code is the reason of the condition.
	Code string
	// Subject is the object that it is about, such as "Pod api-7c9", empty where Evidence names it.
	Subject string
	// Evidence is what was observed.
	Evidence string
	// BlastRadius is who or what is affected, empty when nothing is, or it is obvious.
	BlastRadius string
	// Remedy is what to do, with a command where there is one.
	Remedy   string
	Severity Severity
	Progress Progress
}

// Found reports whether there is anything.
func (f Finding) Found() bool { return f.Code != "" }

// IsWarning reports whether a user should look at it.
func (f Finding) IsWarning() bool {
	if f.Severity == 0 {
		return f.Status != metav1.ConditionTrue
	}
	return f.Severity >= Warning
}

// Message returns the finding in sentences: what is wrong, who is affected, and what to do.
func (f Finding) Message() string {
	evidence := f.Evidence
	if f.Subject != "" {
		evidence = f.Subject + ": " + evidence
	}
	if f.BlastRadius == "" && f.Remedy == "" {
		return evidence
	}
	var sentences []string
	for _, part := range []string{evidence, f.BlastRadius, f.Remedy} {
		if part != "" {
			sentences = append(sentences, strings.TrimSuffix(part, ".")+".")
		}
	}
	return strings.Join(sentences, " ")
}

// About returns the finding with a subject.
func (f Finding) About(subject string) Finding {
	f.Subject = subject
	return f
}

// Affecting returns the finding with who or what is affected, as a sentence.
func (f Finding) Affecting(blastRadius string) Finding {
	f.BlastRadius = blastRadius
	return f
}

// Advising returns the finding with what to do, as a sentence.
func (f Finding) Advising(remedy string) Finding {
	f.Remedy = remedy
	return f
}

// Alarming returns the finding as a warning, whatever its status.
func (f Finding) Alarming() Finding {
	f.Severity = Warning
	return f
}

// Good is a condition that is True, with nothing left to do.
func Good(code, evidence string) Finding { return True(code, evidence, Settled) }

// True is a condition that is True, although not everything is done.
func True(code, evidence string, progress Progress) Finding {
	return Finding{Status: metav1.ConditionTrue, Code: code, Evidence: evidence, Progress: progress}
}

// Bad is a condition that is False.
func Bad(code, evidence string, progress Progress) Finding {
	return Finding{Status: metav1.ConditionFalse, Code: code, Evidence: evidence, Progress: progress}
}

// Unknown is a condition of which not enough is known yet.
func Unknown(code, evidence string) Finding {
	return Finding{Status: metav1.ConditionUnknown, Code: code, Evidence: evidence, Progress: Working}
}

// Of is what a condition reported.
func Of(reported *metav1.Condition) Finding {
	return Finding{Status: reported.Status, Code: reported.Reason, Evidence: reported.Message, Progress: Working}
}
