// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/diagnosis"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// registered is found of the first group-version that is not registered as wanted. What another owner has comes last:
// it must not hide trouble with what is served.
func (r Reconciliation) registered() finding.Finding {
	if found := diagnosis.Removed(r.Snapshot); found.Found() {
		return found
	}
	held, own := partition(r.Outcome.GroupVersions)
	for _, g := range slices.Concat(own, held) {
		if !g.Obstacle.Found() {
			continue
		}
		found := g.Obstacle.About(g.Name)
		if g.Existing != nil && found.Code != v1alpha1.ReasonContested && found.BlastRadius == "" {
			found.BlastRadius = "Until then the APIService stays as it was"
		}
		return r.whileCounting(found)
	}
	return r.whileCounting(finding.Good(v1alpha1.ReasonRegistered, fmt.Sprintf(
		"all %d group-versions are registered", len(r.Outcome.GroupVersions))))
}

// whileCounting is in progress until the objects of group-versions that are to be unregistered have been counted.
func (r Reconciliation) whileCounting(found finding.Finding) finding.Finding {
	if counting := r.Outcome.Counting; len(counting) > 0 && found.Progress == finding.Settled {
		found.Evidence += "; " + strings.Join(counting, ", ") + " will be unregistered when its objects have been counted"
		found.Progress = finding.Working
	}
	return found
}

// available is found of the APIServices that there should be.
func (r Reconciliation) available() finding.Finding {
	held, own := partition(r.Outcome.GroupVersions)
	if i := slices.IndexFunc(own, plan.GroupVersion.IsMissing); i >= 0 {
		return finding.Bad(v1alpha1.ReasonNotRegistered, own[i].Name+" is not registered, see Registered", finding.Working)
	}
	found := diagnosis.Available(r.Snapshot)
	isAvailable := found.Status == metav1.ConditionTrue || found.Code == v1alpha1.ReasonProbing
	if i := slices.IndexFunc(held, plan.GroupVersion.IsMissing); i >= 0 && (len(own) == 0 || isAvailable) {
		return finding.Bad(v1alpha1.ReasonNotRegistered, held[i].Name+" is not registered, see Claimed", finding.Working)
	}
	return found
}

// partition returns the group-versions of other owners, and the others.
func partition(all []plan.GroupVersion) (held, own []plan.GroupVersion) {
	for _, g := range all {
		if g.IsHeld() {
			held = append(held, g)
		} else {
			own = append(own, g)
		}
	}
	return held, own
}
