// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ending is a Pod that began to end a while ago, with a minute to do so.
func ending(ago time.Duration) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		DeletionTimestamp:          new(metav1.NewTime(noon.Add(time.Minute - ago))),
		DeletionGracePeriodSeconds: new(int64(60)),
	}}
}

func TestKubeAPIServerConnectsAnewWhenNoNewConnectionLeadsToAPodThatEnds(t *testing.T) {
	ago := func(duration time.Duration) time.Time { return noon.Add(-duration) }
	tests := map[string]struct {
		pods []corev1.Pod
		last time.Time
		wait time.Duration
	}{
		"no Pod ends":               {[]corev1.Pod{{}, {}}, time.Time{}, 0},
		"one has just begun to":     {[]corev1.Pod{ending(time.Second)}, time.Time{}, 4 * time.Second},
		"one began long enough ago": {[]corev1.Pod{ending(leaveAfter)}, ago(leaveAfter), 0},
		"the last of several counts": {
			[]corev1.Pod{ending(8 * time.Second), ending(6 * time.Second)}, ago(6 * time.Second), 0,
		},
		"the next is waited for": {
			[]corev1.Pod{ending(3 * time.Second), ending(9 * time.Second), ending(time.Second)},
			ago(9 * time.Second), 2 * time.Second,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			last, wait := lastLeave(test.pods, noon)
			if !last.Equal(test.last) || wait != test.wait {
				t.Errorf("got %s and %s, want %s and %s", last, wait, test.last, test.wait)
			}
		})
	}
}

func TestTheCommentOfABundleIsReadAgain(t *testing.T) {
	const bundle = "-----END CERTIFICATE-----\n# connect anew, a Pod has ended: 2026-01-01T00:00:00Z\n"
	if got := toldLeave([]byte(bundle)); !got.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %s", got)
	}
	for _, without := range []string{"", "# connect anew, a Pod has ended: yesterday\n"} {
		if got := toldLeave([]byte(without)); !got.IsZero() {
			t.Errorf("got %s from %q", got, without)
		}
	}
}
