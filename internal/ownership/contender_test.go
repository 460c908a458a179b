// SPDX-License-Identifier: Apache-2.0

package ownership

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTheContenderIsTheLastThatWroteMoreThanMetadataAndStatus(t *testing.T) {
	entry := func(manager, subresource, fields string, minute int) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{
			Manager: manager, Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fields),
			Time: &metav1.Time{Time: time.Date(2026, 1, 1, 12, minute, 0, 0, time.UTC)},
		}
	}
	const spec, revision = `{"f:spec":{"f:replicas":{}}}`, `{"f:metadata":{"f:annotations":{}}}`
	own := entry(FieldOwner, "", spec, 9)
	for name, test := range map[string]struct {
		fields []metav1.ManagedFieldsEntry
		want   string
		scales bool
	}{
		"an autoscaler": {
			[]metav1.ManagedFieldsEntry{
				own, entry("kubectl", "", spec, 1), entry("hpa", "scale", spec, 2), entry("controller", "", revision, 3),
			},
			"hpa", true,
		},
		"a user, and a status that is written": {
			[]metav1.ManagedFieldsEntry{entry("kubectl", "", spec, 1), entry("controller", "status", `{"f:status":{}}`, 3)},
			"kubectl", false,
		},
		"only labels": {[]metav1.ManagedFieldsEntry{own, entry("kubectl", "", revision, 1)}, "kubectl", false},
		"no other":    {[]metav1.ManagedFieldsEntry{own, {Manager: "broken", Subresource: "status"}}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := ContenderOf(&metav1.ObjectMeta{ManagedFields: test.fields})
			if got.Reference.Name != test.want || got.Scales != test.scales {
				t.Errorf("it is %q, which scales: %t", got.Reference.Name, got.Scales)
			}
		})
	}
}
