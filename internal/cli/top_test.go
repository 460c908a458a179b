// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

func TestPercentilesAreOfTheRequestsThatSucceeded(t *testing.T) {
	s := &series{}
	if got := s.percentile(99); got != 0 {
		t.Errorf("without a sample it is %s", got)
	}
	for i := range 150 {
		s.add(discovery.Sample{Latency: time.Duration(i) * time.Millisecond})
	}
	s.add(discovery.Sample{Latency: time.Hour, Err: errors.New("failed")})
	for percent, want := range map[int]time.Duration{
		1: 50 * time.Millisecond, 50: 99 * time.Millisecond, 99: 148 * time.Millisecond, 100: 149 * time.Millisecond,
	} {
		if got := s.percentile(percent); got != want {
			t.Errorf("p%d of the last 100 is %s, want %s", percent, got, want)
		}
	}
	if len(s.trend) != trendWidth || s.trend[trendWidth-1] >= 0 {
		t.Errorf("the trend is %v", s.trend)
	}
}

func TestASparklineIsFullAtTheHighestValue(t *testing.T) {
	for want, values := range map[string][]time.Duration{
		"":     nil,
		"▁":    {0},
		"██":   {5, 5},
		"▁▄█":  {0, 50, 100},
		"█×":   {7, -1},
		"××":   {-1, -1},
		"▁▂×█": {1, 20, -1, 100},
	} {
		if got := sparkline(values); got != want {
			t.Errorf("%v is plotted as %q, want %q", values, got, want)
		}
	}
}

func TestTheTableShowsBothViewsAndWhatFails(t *testing.T) {
	apiService := func(status apiregistrationv1.ConditionStatus) *apiregistrationv1.APIService {
		return &apiregistrationv1.APIService{
			ObjectMeta: metav1.ObjectMeta{Name: "a"},
			Spec: apiregistrationv1.APIServiceSpec{Service: &apiregistrationv1.ServiceReference{
				Namespace: "shop", Name: "shop",
			}},
			Status: apiregistrationv1.APIServiceStatus{Conditions: []apiregistrationv1.APIServiceCondition{
				{Type: apiregistrationv1.Available, Status: status, Reason: "MissingEndpoints"},
			}},
		}
	}
	good, failing := &series{}, &series{}
	good.add(discovery.Sample{Latency: 2 * time.Millisecond})
	failing.add(discovery.Sample{Latency: time.Second, Err: errors.New("answered 500: \x1b")})
	measured := rowsOf(
		map[string]*apiregistrationv1.APIService{"b": apiService("False"), "a": apiService("True"), "c": apiService("True")},
		map[string]*series{"a": good, "c": failing},
		map[string]time.Duration{"a": 3 * time.Millisecond})
	rows := tableOf(measured, false)
	want := [][]string{
		topColumns,
		{"a", "2ms", "2ms", "2ms", "2ms", "3ms", "█", ""},
		{"b", "-", "-", "-", "-", "-", "", "unavailable: MissingEndpoints"},
		{"c", "1s", "-", "-", "-", "-", "×", `answered 500: \x1b`},
	}
	if !slices.EqualFunc(rows, want, slices.Equal[[]string]) {
		t.Errorf("got %q, want %q", rows, want)
	}
	wide := tableOf(measured, true)
	if got := wide[1][len(topColumns):]; !slices.Equal(got, []string{"1", "shop/shop"}) || len(wide[0]) != len(wide[1]) {
		t.Errorf("in the wide table there is %q, too", got)
	}
}

func TestTopRefusesToBeALoad(t *testing.T) {
	if code, _, errOut := run("top", "--interval", "1ms"); code != 1 || !strings.Contains(errOut, "at least 500ms") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}
