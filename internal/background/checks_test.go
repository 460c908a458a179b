// SPDX-License-Identifier: Apache-2.0

package background

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/utils/clock"
)

// runTest runs a test in a synctest bubble, and collects the woken subjects.
func runTest(t *testing.T, atOnce int64, test func(checks *Looks[int], woken *[]string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var woken []string
		test(NewLooks[int](t.Context(), clock.RealClock{}, atOnce, func(name string) { woken = append(woken, name) }), &woken)
	})
}

func returning(result int) func(context.Context) int {
	return func(context.Context) int { return result }
}

func TestResultIsAvailableOnceTheSubjectIsWoken(t *testing.T) {
	runTest(t, 1, func(checks *Looks[int], woken *[]string) {
		if _, ended := checks.Last("a", "1", time.Second, returning(7)); !ended.IsZero() {
			t.Error("there is a result before the first check")
		}
		synctest.Wait()
		if got, ended := checks.Last("a", "1", time.Second, returning(8)); ended.IsZero() || got != 7 || len(*woken) != 1 {
			t.Errorf("got %d of %s, woken: %q", got, ended, *woken)
		}
	})
}

func TestLastResultIsReturnedDuringANewCheck(t *testing.T) {
	runTest(t, 1, func(checks *Looks[int], woken *[]string) {
		checks.Last("a", "1", time.Second, returning(7))
		synctest.Wait()
		<-time.After(time.Second)
		if got, ended := checks.Last("a", "1", time.Second, returning(8)); ended.IsZero() || got != 7 {
			t.Errorf("got %d of %s", got, ended)
		}
		synctest.Wait()
		if got, _ := checks.Last("a", "1", time.Second, returning(9)); got != 8 || len(*woken) != 2 {
			t.Errorf("got %d, woken: %q", got, *woken)
		}
	})
}

func TestResultsOfAnotherVersionAreNotReturned(t *testing.T) {
	runTest(t, 2, func(checks *Looks[int], woken *[]string) {
		ends := make(chan int)
		checks.Last("a", "1", time.Second, func(context.Context) int { return <-ends })
		if _, ended := checks.Last("a", "2", time.Second, returning(8)); !ended.IsZero() {
			t.Error("a result of the first version is returned for the second")
		}
		synctest.Wait()
		ends <- 7
		synctest.Wait()
		if got, _ := checks.Last("a", "2", time.Second, returning(9)); got != 8 || len(*woken) != 1 {
			t.Errorf("got %d, woken: %q", got, *woken)
		}
	})
}

func TestForgottenSubjectsAreNotWoken(t *testing.T) {
	runTest(t, 1, func(checks *Looks[int], woken *[]string) {
		checks.Last("a", "1", time.Second, returning(7))
		checks.Forget("a")
		synctest.Wait()
		if len(*woken) != 0 || len(checks.subjects) != 0 {
			t.Errorf("woken: %q, subjects: %v", *woken, checks.subjects)
		}
	})
}

func TestConcurrentChecksAreBounded(t *testing.T) {
	runTest(t, 2, func(checks *Looks[int], woken *[]string) {
		var running atomic.Int32
		ends := make(chan struct{})
		for _, name := range []string{"a", "b", "c"} {
			checks.Last(name, "", time.Second, func(context.Context) int {
				if running.Add(1) > 2 {
					t.Error("three checks run concurrently")
				}
				<-ends
				running.Add(-1)
				return 0
			})
		}
		synctest.Wait()
		for range 3 {
			ends <- struct{}{}
			synctest.Wait()
		}
		if len(*woken) != 3 {
			t.Errorf("woken: %q", *woken)
		}
	})
}
