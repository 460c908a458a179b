// SPDX-License-Identifier: Apache-2.0

package soak

import (
	"testing"
	"time"
)

func TestAFailureIsExcusedOnlyWhileAFaultLasts(t *testing.T) {
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	excuses := &Excuses{}
	end := excuses.Begin(at(10), "a", "b")
	end(at(20))
	excuses.Begin(at(30), "kube-apiserver 1")
	for _, test := range []struct {
		what     string
		from, to int
		names    []string
		want     bool
	}{
		{"before the fault", 8, 9, []string{"a"}, false},
		{"until it begins", 8, 10, []string{"a"}, true},
		{"within", 12, 13, []string{"b"}, true},
		{"longer than the fault", 9, 21, []string{"a"}, true},
		{"after its end", 21, 22, []string{"a"}, false},
		{"of another one", 12, 13, []string{"c", "kube-apiserver 1"}, false},
		{"during one that has not ended", 50, 60, []string{"c", "kube-apiserver 1"}, true},
	} {
		t.Run(test.what, func(t *testing.T) {
			if got := excuses.Cover(at(test.from), at(test.to), test.names...); got != test.want {
				t.Errorf("excused: %t, want %t", got, test.want)
			}
		})
	}
}

func TestGrowthIsNotASingleValueButAllOfTheLast(t *testing.T) {
	for _, test := range []struct {
		what   string
		values []float64
		grown  bool
	}{
		{"too few values", []float64{1, 100}, false},
		{"level", []float64{100, 104, 98}, false},
		{"within the tolerance", []float64{100, 110, 114}, false},
		{"beyond the tolerance", []float64{100, 110, 116}, true},
		{"one high value at the end", []float64{100, 100, 100, 100, 90, 300}, false},
		{"one high value at the beginning", []float64{100, 300, 100, 100, 290, 290}, false},
		{"steady growth", []float64{100, 110, 120, 130, 140, 150, 160, 170, 180}, true},
	} {
		t.Run(test.what, func(t *testing.T) {
			measure := Measure{Name: "goroutines", Slack: 5, Share: 0.1, Values: test.values}
			if err := measure.Grown(); (err != nil) != test.grown {
				t.Errorf("error %v, want one: %t", err, test.grown)
			}
		})
	}
}
