// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/finding/findingtest"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestANamespaceIsReportedOnlyWhereItPreventsTheServer(t *testing.T) {
	outOfReach := finding.Bad(v1alpha1.ReasonNamespaceNotAllowed, "not permitted", finding.Stalled)
	for name, test := range map[string]struct {
		namespace       snapshot.Known[snapshot.Namespace]
		outOfReach      finding.Finding
		status          metav1.ConditionStatus
		reason, message string
		// removed is the reason why there are no APIServices.
		removed string
	}{
		"unknown": {snapshot.Known[snapshot.Namespace]{}, outOfReach, "", "", "", ""},
		"active":  {snapshot.Of(snapshot.Active, nil), finding.Finding{}, "", "", "", ""},
		"out of reach": {
			snapshot.Of(snapshot.Active, nil), outOfReach, "False", v1alpha1.ReasonNamespaceNotAllowed, "not permitted", "",
		},
		"missing, and out of reach": {
			snapshot.Of(snapshot.Missing, nil), outOfReach, "False", v1alpha1.ReasonNamespaceNotFound,
			`namespace "wardle-system" does not exist. Create it: kubectl create namespace wardle-system`,
			v1alpha1.ReasonNamespaceNotFound,
		},
		"terminating": {
			snapshot.Of(snapshot.Terminating, nil),
			finding.Finding{},
			"False", v1alpha1.ReasonNamespaceTerminating,
			"Delete the ExtensionAPI, or recreate the namespace", v1alpha1.ReasonNamespaceTerminating,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Namespace, s.OutOfReach = test.namespace, test.outOfReach
			findingtest.Expect(t, Namespace(s), test.status, test.reason, test.message)
			if got := Removed(s).Code; got != test.removed {
				t.Errorf("its APIServices have been removed because of %q, want %q", got, test.removed)
			}
		})
	}
}
