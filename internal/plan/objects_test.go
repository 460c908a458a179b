// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestObjectsAreCheckedOfAServerThatAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*snapshot.Snapshot)
		checked bool
	}{
		"available":          {func(*snapshot.Snapshot) {}, true},
		"with a Service":     {func(s *snapshot.Snapshot) { *s = *snapshottest.BehindExistingService() }, true},
		"not registered yet": {snapshottest.Unregister, false},
		"not available": {
			func(s *snapshot.Snapshot) {
				snapshottest.Register(s, snapshottest.Available(apiregistrationv1.ConditionFalse, "MissingEndpoints", ""))
			},
			false,
		},
		"without a ready replica": {
			func(s *snapshot.Snapshot) { s.Endpoints = snapshot.Of(snapshot.Endpoints{}, nil) }, false,
		},
		"with Pods that are not known": {
			func(s *snapshot.Snapshot) { s.Server = snapshot.Of(snapshot.Workload{}, errors.New("timeout")) }, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			test.change(s)
			check := nextOf(t, s).Objects
			if (check != nil) != test.checked {
				t.Fatalf("planned is %+v", check)
			}
			if check != nil && (!slices.Equal(check.GroupVersions, s.Available()) ||
				check.Replica != snapshottest.Replica.Address || check.Version != s.ObjectsVersion()) {
				t.Errorf("planned is %+v", check)
			}
		})
	}
}

func TestWhatNothingWaitsForGivesWayToRegistrations(t *testing.T) {
	for name, test := range map[string]struct {
		ago            time.Duration
		othersRegister bool
		want           time.Duration
	}{
		"just available":                        {time.Second, false, 4 * time.Second},
		"available for a while":                 {unhurried, false, 0},
		"for a while, and others register":      {unhurried, true, time.Second},
		"just available, and others register":   {time.Second, true, 4 * time.Second},
		"for long, and others register":         {mostUnhurried, true, 0},
		"by a clock that is ahead of the other": {-time.Minute, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.BehindExistingService()
			available := snapshottest.Available(apiregistrationv1.ConditionTrue, "Passed", "all checks passed")
			available.LastTransitionTime = metav1.NewTime(noon.Add(-test.ago))
			snapshottest.Register(s, available)
			s.OthersRegister = test.othersRegister
			planned := nextOf(t, s)
			if wait := untilUnhurried(s); wait != test.want || (planned.Objects == nil) != (test.want > 0) {
				t.Errorf("it waits for %s and plans %+v", wait, planned.Objects)
			}
			if test.want > 0 && planned.Recheck > test.want {
				t.Errorf("it is planned again after %s", planned.Recheck)
			}
		})
	}
}

func TestObjectsAreCheckedHourlyAndSoonerWhenTheyWereBad(t *testing.T) {
	bad := objects.Result{Problems: []objects.Problem{{Reason: "ListFails"}}}
	for name, test := range map[string]struct {
		result       objects.Result
		ago          time.Duration
		age, recheck time.Duration
	}{
		"good":             {objects.Result{}, 10 * time.Minute, time.Hour, 50 * time.Minute},
		"good, overdue":    {objects.Result{}, 2 * time.Hour, time.Hour, time.Second},
		"bad":              {bad, time.Minute, 5 * time.Minute, 4 * time.Minute},
		"not permitted":    {objects.Result{Denied: make([]objects.Resource, 1)}, 0, 5 * time.Minute, 5 * time.Minute},
		"not all known":    {objects.Result{Err: errors.New("timeout")}, 0, 30 * time.Second, 30 * time.Second},
		"without anything": {objects.Result{Empty: snapshottest.New().Available()}, 0, time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Objects = snapshot.Objects{Result: test.result, Ended: noon.Add(-test.ago)}
			var p Plan
			p.Probe = nextOf(t, s).Probe
			p.checkObjects(s)
			if p.Objects.MaxAge != test.age || p.Recheck != test.recheck {
				t.Errorf("at most %s old, again in %s", p.Objects.MaxAge, p.Recheck)
			}
		})
	}
}

func TestOnlyPermissionsAreLookedUpWhileTheyAreMissing(t *testing.T) {
	denied := objects.Result{Denied: make([]objects.Resource, 1), Requested: noon.Add(-10 * time.Minute)}
	outdated := denied
	outdated.Requested = noon.Add(-2 * time.Hour)
	alsoBad := denied
	alsoBad.Problems = make([]objects.Problem, 1)
	for name, test := range map[string]struct {
		last objects.Result
		want bool
	}{
		"only permissions":                          {denied, true},
		"only permissions, requested two hours ago": {outdated, false},
		"something else":                            {alsoBad, false},
		"nothing":                                   {objects.Result{}, false},
	} {
		s := snapshottest.New()
		s.Objects = snapshot.Objects{Result: test.last, Ended: noon}
		if last := nextOf(t, s).Objects.Last; (last != nil) != test.want {
			t.Errorf("%s: %+v", name, last)
		}
	}
}

func TestTheLastCheckOfARolloutComesWhenTheLastOldPodIsGone(t *testing.T) {
	of := func(templates ...string) *snapshot.Snapshot {
		s := snapshottest.New()
		snapshottest.Change(&s.Server, func(server *snapshot.Workload) {
			for _, template := range templates {
				pod := ready(template)
				pod.Labels = map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: template}
				server.Pods = append(server.Pods, pod)
			}
		})
		return s
	}
	var versions []string
	for _, templates := range [][]string{{"a", "a"}, {"a", "b"}, {"b", "a"}, {"b", "b", "b"}, {"b"}} {
		versions = append(versions, nextOf(t, of(templates...)).Objects.Version)
	}
	if got := slices.Compact(versions); len(got) != 3 {
		t.Errorf("the versions are %q, want one before, one during and one after the rollout", got)
	}
}
