// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTheCAChangedAtTheLatestWhenItsManagerLastWrote(t *testing.T) {
	early, late := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	const (
		trust = `{"f:data":{".":{},"f:requestheader-client-ca-file":{}}}`
		label = `{"f:metadata":{"f:labels":{"f:a":{}}}}`
	)
	entry := func(fields string, at time.Time) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Time: &metav1.Time{Time: at}, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	for name, test := range map[string]struct {
		entries []metav1.ManagedFieldsEntry
		want    time.Time
	}{
		"one manager":              {[]metav1.ManagedFieldsEntry{entry(trust, early)}, early},
		"several":                  {[]metav1.ManagedFieldsEntry{entry(trust, late), entry(trust, early)}, late},
		"another sets a label":     {[]metav1.ManagedFieldsEntry{entry(trust, early), entry(label, late)}, early},
		"no manager":               {nil, time.Time{}},
		"one without a time":       {[]metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(trust)}}, time.Time{}},
		"one without fields":       {[]metav1.ManagedFieldsEntry{{Time: &metav1.Time{Time: late}}}, time.Time{}},
		"one whose fields are odd": {[]metav1.ManagedFieldsEntry{entry("[", late)}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ManagedFields: test.entries}}
			if got := trustChanged(configMap); !got.Equal(test.want) {
				t.Errorf("it changed at %s, want %s", got, test.want)
			}
		})
	}
}
