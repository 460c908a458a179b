// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
)

// maxStandInMessage is what the schema allows.
const maxStandInMessage = 1024

// describeStandIn records since when the stand-in serves, or until when it did.
func (r Reconciliation) describeStandIn(status *v1alpha1.ExtensionAPIStatus) {
	record := ptr.Deref(status.StandIn, v1alpha1.StandInStatus{})
	serves := slices.ContainsFunc(r.Outcome.GroupVersions, r.isServedByStandIn)
	now := metav1.NewTime(r.Now)
	switch {
	case serves && record.Since == nil:
		if record.Until != nil && r.Now.Sub(record.Until.Time) > plan.ForgivenAfter {
			record.Switches = 0
		}
		record.Since, record.Message = &now, ""
		record.Switches++
	case !serves && record.Since != nil:
		record.Since, record.Until = nil, &now
		record.Message = r.undone()
	default:
		return
	}
	status.StandIn = &record
}

// isServedByStandIn reports whether an APIService leads to the stand-in after what was done.
func (r Reconciliation) isServedByStandIn(g plan.GroupVersion) bool {
	if g.Obstacle.Found() || r.Outcome.DryRun && g.StandIn {
		return r.StandIn.Serves(g.Existing)
	}
	return g.StandIn
}

// undone is why the stand-in ended before the server answered.
func (r Reconciliation) undone() string {
	for _, g := range r.Outcome.GroupVersions {
		if g.Undone != "" {
			return excerpt.Of(g.Undone, maxStandInMessage)
		}
	}
	return ""
}
