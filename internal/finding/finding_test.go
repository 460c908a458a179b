// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAMessageIsWhatIsWrongWhoIsAffectedAndWhatToDo(t *testing.T) {
	bad := Bad("Code", "it fails", Working)
	for name, test := range map[string]struct {
		found Finding
		want  string
	}{
		"nothing":                  {Finding{}, ""},
		"evidence":                 {bad, "it fails"},
		"evidence about an object": {bad.About("v1.a"), "v1.a: it fails"},
		"a remedy":                 {bad.Advising("Restart it"), "it fails. Restart it."},
		"who is affected":          {bad.Affecting("Requests fail"), "it fails. Requests fail."},
		"all of it": {
			bad.About("v1.a").Affecting("Requests fail").Advising("Restart it"), "v1.a: it fails. Requests fail. Restart it.",
		},
		"sentences that end": {Bad("Code", "it fails.", Working).Advising("Restart it."), "it fails. Restart it."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.found.Message(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAFindingIsAWarningUnlessItsConditionIsTrue(t *testing.T) {
	for name, test := range map[string]struct {
		found Finding
		want  bool
	}{
		"good":                  {Good("Code", ""), false},
		"good, but alarming":    {Good("Code", "").Alarming(), true},
		"true, and in progress": {True("Code", "", Working), false},
		"bad":                   {Bad("Code", "", Settled), true},
		"unknown":               {Unknown("Code", ""), true},
		"worth no attention":    {Finding{Status: metav1.ConditionFalse, Code: "Code", Severity: Info}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.found.IsWarning(); got != test.want {
				t.Errorf("it is a warning: %t", got)
			}
		})
	}
}

func TestAFindingIsReadBackFromACondition(t *testing.T) {
	reported := Bad("Code", "it fails", Stalled).Advising("Restart it")
	got := Of(&metav1.Condition{Status: reported.Status, Reason: reported.Code, Message: reported.Message()})
	if got.Status != reported.Status || got.Code != reported.Code || got.Message() != reported.Message() {
		t.Errorf("got %+v", got)
	}
}
