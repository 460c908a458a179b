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

// checking runs a test in which checks finish when the test lets them, and returns what was woken.
func checking(t *testing.T, atOnce int64, test func(checks *Checks[int], woken *[]string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var woken []string
		wake := func(name string) { woken = append(woken, name) }
		test(NewChecks[int](t.Context(), clock.RealClock{}, atOnce, wake), &woken)
	})
}

func returning(result int) func(context.Context) int {
	return func(context.Context) int { return result }
}

func TestAResultIsKnownOnceItsSubjectHasBeenWoken(t *testing.T) {
	checking(t, 1, func(checks *Checks[int], woken *[]string) {
		if _, ended := checks.Last("a", "1", time.Second, returning(7)); !ended.IsZero() {
			t.Error("a result is known before anything was looked at")
		}
		synctest.Wait()
		if got, ended := checks.Last("a", "1", time.Second, returning(8)); ended.IsZero() || got != 7 || len(*woken) != 1 {
			t.Errorf("got %d of %s, woken: %q", got, ended, *woken)
		}
	})
}

func TestAnOldResultIsReturnedWhileThereIsANewLook(t *testing.T) {
	checking(t, 1, func(checks *Checks[int], woken *[]string) {
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

func TestNoResultOfAnotherVersionIsReturned(t *testing.T) {
	checking(t, 2, func(checks *Checks[int], woken *[]string) {
		ends := make(chan int)
		checks.Last("a", "1", time.Second, func(context.Context) int { return <-ends })
		if _, ended := checks.Last("a", "2", time.Second, returning(8)); !ended.IsZero() {
			t.Error("a result of the first version is taken for one of the second")
		}
		synctest.Wait()
		ends <- 7
		synctest.Wait()
		if got, _ := checks.Last("a", "2", time.Second, returning(9)); got != 8 || len(*woken) != 1 {
			t.Errorf("got %d, woken: %q", got, *woken)
		}
	})
}

func TestReadingAResultBeginsNoLook(t *testing.T) {
	checking(t, 1, func(checks *Checks[int], woken *[]string) {
		if got, ended := checks.Result("a", "1"); got != 0 || !ended.IsZero() {
			t.Errorf("got %d of %s before anything was looked at", got, ended)
		}
		synctest.Wait()
		if len(*woken) != 0 || len(checks.subjects) != 0 {
			t.Errorf("woken: %q, subjects: %v", *woken, checks.subjects)
		}
		checks.Start("a", "1", time.Second, returning(7))
		synctest.Wait()
		<-time.After(time.Hour)
		if got, ended := checks.Result("a", "1"); got != 7 || ended.IsZero() {
			t.Errorf("got %d of %s", got, ended)
		}
		if got, ended := checks.Result("a", "2"); got != 0 || !ended.IsZero() {
			t.Errorf("got %d of %s of another version", got, ended)
		}
		if len(*woken) != 1 {
			t.Errorf("woken: %q", *woken)
		}
	})
}

func TestALookBeginsOnlyWhenTheLastOneIsOldEnough(t *testing.T) {
	checking(t, 1, func(checks *Checks[int], woken *[]string) {
		for _, result := range []int{7, 8} {
			checks.Start("a", "1", time.Second, returning(result))
			synctest.Wait()
		}
		if got, _ := checks.Result("a", "1"); got != 7 || len(*woken) != 1 {
			t.Errorf("got %d, woken: %q", got, *woken)
		}
		<-time.After(time.Second)
		checks.Start("a", "1", time.Second, returning(9))
		synctest.Wait()
		if got, _ := checks.Result("a", "1"); got != 9 || len(*woken) != 2 {
			t.Errorf("a second later got %d, woken: %q", got, *woken)
		}
	})
}

func TestNothingIsWokenForASubjectThatIsForgotten(t *testing.T) {
	checking(t, 1, func(checks *Checks[int], woken *[]string) {
		checks.Last("a", "1", time.Second, returning(7))
		checks.Forget("a")
		synctest.Wait()
		if len(*woken) != 0 || len(checks.subjects) != 0 {
			t.Errorf("woken: %q, subjects: %v", *woken, checks.subjects)
		}
	})
}

func TestNoMoreLooksRunThanAllowed(t *testing.T) {
	checking(t, 2, func(checks *Checks[int], woken *[]string) {
		var running atomic.Int32
		ends := make(chan struct{})
		for _, name := range []string{"a", "b", "c"} {
			checks.Last(name, "", time.Second, func(context.Context) int {
				if running.Add(1) > 2 {
					t.Error("three looks run at a time")
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
