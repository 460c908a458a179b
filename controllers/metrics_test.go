// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestMetricsShowConditionsTimesOfCertificatesAndEjections(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := NewMetrics(registry)
	status := &v1alpha1.ExtensionAPIStatus{
		Conditions:  []metav1.Condition{{Type: "Ready", Status: "False"}},
		Certificate: &v1alpha1.CertificateStatus{NotAfter: metav1.Unix(60, 0), CANotAfter: new(metav1.Unix(120, 0))},
	}
	metrics.observe("wardle", status)
	metrics.observeEjected("wardle", 1)
	metrics.countEjection("wardle")
	for name, series := range map[string]struct {
		got, want float64
	}{
		"the status it has": {testutil.ToFloat64(metrics.condition.WithLabelValues("wardle", "Ready", "False")), 1},
		"another status":    {testutil.ToFloat64(metrics.condition.WithLabelValues("wardle", "Ready", "True")), 0},
		"serving":           {testutil.ToFloat64(metrics.expiry.WithLabelValues("wardle", "serving")), 60},
		"ca":                {testutil.ToFloat64(metrics.expiry.WithLabelValues("wardle", "ca")), 120},
		"ejected":           {testutil.ToFloat64(metrics.ejected), 1},
		"ejections":         {testutil.ToFloat64(metrics.ejections), 1},
	} {
		if series.got != series.want {
			t.Errorf("%s is %v, want %v", name, series.got, series.want)
		}
	}

	status.Certificate = nil
	metrics.observe("wardle", status)
	if left := testutil.CollectAndCount(metrics.expiry); left != 0 {
		t.Errorf("%d series are left of a certificate that is gone", left)
	}
	metrics.forget("wardle")
	if left, err := testutil.GatherAndCount(registry); err != nil || left != 0 {
		t.Errorf("%d series are left of an ExtensionAPI that is gone (%v)", left, err)
	}
}

func TestAConditionHasTheReasonOfTheMomentAlone(t *testing.T) {
	metrics := NewMetrics(prometheus.NewRegistry())
	for _, reason := range []string{v1alpha1.ReasonIssued, v1alpha1.ReasonRotationStuck} {
		metrics.observe("wardle", &v1alpha1.ExtensionAPIStatus{Conditions: []metav1.Condition{
			{Type: v1alpha1.ConditionCertificatesReady, Status: metav1.ConditionTrue, Reason: reason},
			{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady},
		}})
	}
	metrics.observe("other", &v1alpha1.ExtensionAPIStatus{Conditions: []metav1.Condition{
		{Type: v1alpha1.ConditionCertificatesReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonIssued},
	}})
	const head = "# HELP extensionapi_condition_reason 1 for the reason that a condition has; " +
		"there is no series of any other.\n# TYPE extensionapi_condition_reason gauge\n"
	const other = `extensionapi_condition_reason{extensionapi="other",reason="Issued",type="CertificatesReady"} 1
`
	expectReasons := func(when, series string) {
		t.Helper()
		if err := testutil.CollectAndCompare(metrics.reason, strings.NewReader(head+other+series)); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	expectReasons("after a reason has changed", `
extensionapi_condition_reason{extensionapi="wardle",reason="RotationStuck",type="CertificatesReady"} 1
extensionapi_condition_reason{extensionapi="wardle",reason="Ready",type="Ready"} 1
`)
	metrics.forget("wardle")
	expectReasons("after an ExtensionAPI is gone", "")
}

func TestMetricsFollowTheRulesOfPrometheus(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics := NewMetrics(registry)
	metrics.observeEjected("wardle", 0)
	metrics.observe("wardle", &v1alpha1.ExtensionAPIStatus{
		Conditions: []metav1.Condition{{Type: "Ready", Status: "True"}},
		Certificate: &v1alpha1.CertificateStatus{
			NotAfter: metav1.Unix(60, 0), RenewalTime: new(metav1.Unix(30, 0)), CANotAfter: new(metav1.Unix(120, 0)),
		},
	})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v (%v)", problems, err)
	}
}
