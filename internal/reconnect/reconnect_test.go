// SPDX-License-Identifier: Apache-2.0

package reconnect

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/ejection"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// ending is a Pod that began to end a while ago, with a minute to do so.
func ending(ago time.Duration) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		DeletionTimestamp:          new(metav1.NewTime(noon.Add(time.Minute - ago))),
		DeletionGracePeriodSeconds: new(int64(60)),
	}}
}

// ejectedAt is a Pod that was taken out of the Service a while ago.
func ejectedAt(ago time.Duration) corev1.Pod {
	pod := corev1.Pod{}
	ejection.Record(&pod, noon.Add(-ago), "took 7s")
	return pod
}

// unready is a Pod whose readiness turned False a while ago, while its container has run for a minute.
func unready(ago time.Duration) corev1.Pod {
	return corev1.Pod{Status: corev1.PodStatus{
		Conditions: []corev1.PodCondition{{
			Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(noon.Add(-ago)),
		}},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: v1alpha1.ServerContainer,
			State: corev1.ContainerState{
				Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(noon.Add(-time.Minute))},
			},
		}},
	}}
}

func TestKubeAPIServerConnectsAnewOnceAPodHasLeft(t *testing.T) {
	undated, endsUnready, ended := ejectedAt(0), unready(20*time.Second), unready(20*time.Second)
	undated.Annotations[ejection.Annotation] = "yesterday"
	endsUnready.ObjectMeta = ending(8 * time.Second).ObjectMeta
	ended.Status.ContainerStatuses[0].State = corev1.ContainerState{}
	tests := map[string]struct {
		pod corev1.Pod
		// ago is when it is, as the times that have passed since.
		ago []time.Duration
	}{
		"one that stays":                       {corev1.Pod{}, nil},
		"one that ends":                        {ending(8 * time.Second), []time.Duration{3 * time.Second}},
		"one that has just begun to":           {ending(time.Second), []time.Duration{-4 * time.Second}},
		"one that is ejected, twice":           {ejectedAt(4 * time.Second), []time.Duration{time.Second, -time.Second}},
		"one whose ejection cannot be dated":   {undated, nil},
		"one that turned unready, twice":       {unready(9 * time.Second), []time.Duration{6 * time.Second, 4 * time.Second}},
		"one that never was ready":             {unready(time.Minute), nil},
		"one whose container is gone":          {ended, nil},
		"one that turned unready when it ends": {endsUnready, []time.Duration{3 * time.Second}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []time.Duration
			for _, moment := range (leaving{}).moments(&test.pod) {
				got = append(got, noon.Sub(moment))
			}
			if !slices.Equal(got, test.ago) {
				t.Errorf("got %v, want %v", got, test.ago)
			}
		})
	}
}

func TestTheLastMomentIsToldAndTheNextWaitedFor(t *testing.T) {
	ago := func(duration time.Duration) time.Time { return noon.Add(-duration) }
	tests := map[string]struct {
		moments []time.Time
		last    time.Time
		wait    time.Duration
	}{
		"none":                {nil, time.Time{}, 0},
		"one to come":         {[]time.Time{ago(-4 * time.Second)}, time.Time{}, 4 * time.Second},
		"one just now":        {[]time.Time{noon}, noon, 0},
		"the last of several": {[]time.Time{ago(8 * time.Second), ago(6 * time.Second)}, ago(6 * time.Second), 0},
		"the last and the next": {
			[]time.Time{ago(-2 * time.Second), ago(time.Second), ago(-4 * time.Second)}, ago(time.Second), 2 * time.Second,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			last, wait := split(test.moments, noon)
			if !last.Equal(test.last) || wait != test.wait {
				t.Errorf("got %s and %s, want %s and %s", last, wait, test.last, test.wait)
			}
		})
	}
}

func TestTheCommentOfABundleIsReadAgain(t *testing.T) {
	const bundle = "-----END CERTIFICATE-----\n# reconnect, a Pod has left: 2026-01-01T00:00:00Z\n"
	if got := MarkOf([]byte(bundle)); !got.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %s", got)
	}
	for _, without := range []string{"", "# reconnect, a Pod has left: yesterday\n"} {
		if got := MarkOf([]byte(without)); !got.IsZero() {
			t.Errorf("got %s from %q", got, without)
		}
	}
}

func TestWhileRequestsFailItIsTriedAgain(t *testing.T) {
	if got := (leaving{harms: true}).moments(new(ejectedAt(0))); len(got) != 5 || !got[4].Equal(noon.Add(2*time.Minute)) {
		t.Errorf("got %v", got)
	}
}

func TestAPodWhoseReadinessFlapsIsLeftOnceAMinute(t *testing.T) {
	marked := noon.Add(-20 * time.Second)
	if got := (leaving{marked: marked}).moments(new(unready(10 * time.Second))); got[0].Before(marked.Add(time.Minute)) {
		t.Errorf("got %v", got)
	}
	if got := (leaving{marked: marked}).moments(new(unready(25 * time.Second))); got[0].After(noon) {
		t.Errorf("one that was met before is put off: %v", got)
	}
}

// rewrites returns when the APIServices are rewritten, while a Pod begins to end at each of these times.
func rewrites(begins []time.Time, apiServices int) (written []time.Time) {
	var moments []time.Time
	for _, begin := range begins {
		moments = append(moments, begin.Add(leaveAfter))
	}
	marked := time.Time{}
	for now := noon; now.Before(noon.Add(2 * time.Minute)); now = now.Add(100 * time.Millisecond) {
		last, _ := split(spaced(moments, marked, limits.ReconnectInterval(apiServices)), now)
		if last = last.Truncate(time.Second); last.After(marked) {
			marked = last
			written = append(written, now)
		}
	}
	return written
}

func TestAFloodOfEndingPodsRewritesTheAPIServicesNowAndThen(t *testing.T) {
	var flood []time.Time
	for i := range 600 {
		flood = append(flood, noon.Add(time.Duration(i)*200*time.Millisecond))
	}
	for apiServices, perMinute := range map[int]int{1: 12, 100: 12, 256: 5} {
		if got := len(rewrites(flood, apiServices)); got == 0 || got > 2*perMinute {
			t.Errorf("%d APIServices are rewritten %d times in two minutes, want %d at most", apiServices, got, 2*perMinute)
		}
	}
}

// The preStop sleep of the template is 15 seconds long.
func TestAPodThatEndsIsLeftInTimeWhoeverElseEnds(t *testing.T) {
	for _, apiServices := range []int{1, 100, 180} {
		for before := range 20 {
			begins := []time.Time{noon, noon.Add(time.Duration(before) * 500 * time.Millisecond)}
			for _, begin := range begins {
				left := slices.ContainsFunc(rewrites(begins, apiServices), func(written time.Time) bool {
					return !written.Before(begin.Add(leaveAfter)) && written.Before(begin.Add(15*time.Second))
				})
				if !left {
					t.Errorf("with %d APIServices, a Pod that begins to end at %s, %s after another, is not left in time",
						apiServices, begin, begins[1].Sub(begins[0]))
				}
			}
		}
	}
}

func TestAMomentToComeIsNotBelieved(t *testing.T) {
	if got := lastMarked([][]byte{[]byte(prefix + "2027-01-01T00:00:00Z\n")}, noon); !got.IsZero() {
		t.Errorf("got %s", got)
	}
}

func TestABundleTakesTheCommentOfAnother(t *testing.T) {
	const comment = prefix + "2026-01-01T00:00:00Z\n"
	for bundle, want := range map[string]string{
		"old\n": "old\n" + comment, "old\n" + comment: "old\n" + comment,
		"old\n" + prefix + "2025-01-01T00:00:00Z\n": "old\n" + comment,
	} {
		if got := WithMarkOf([]byte("new\n"+comment), []byte(bundle)); string(got) != want {
			t.Errorf("%q became %q", bundle, got)
		}
	}
	if got := WithMarkOf([]byte("new\n"), []byte("old\n")); string(got) != "old\n" {
		t.Errorf("without a comment it became %q", got)
	}
}
