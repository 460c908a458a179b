// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// cluster has the ExtensionAPIs that are measured.
type cluster struct {
	extensionAPIs []v1alpha1.ExtensionAPI
	err           error
}

func (c *cluster) list(context.Context) ([]v1alpha1.ExtensionAPI, error) {
	return c.extensionAPIs, c.err
}

// measured is an ExtensionAPI with a server.
func measured(name string, status v1alpha1.ExtensionAPIStatus) v1alpha1.ExtensionAPI {
	return v1alpha1.ExtensionAPI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.ExtensionAPISpec{Server: &v1alpha1.Server{Namespace: "shop"}},
		Status:     status,
	}
}

// expectSeries compares the series of some metrics, or of all, with those that are wanted, one a line in any order.
func expectSeries(t *testing.T, when string, registry *prometheus.Registry, wanted string, names ...string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if len(names) == 0 || slices.Contains(names, family.GetName()) {
				got = append(got, seriesOf(family.GetName(), metric))
			}
		}
	}
	want := strings.Split(strings.TrimSpace(wanted), "\n")
	want = slices.DeleteFunc(want, func(line string) bool { return line == "" })
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s there are\n%s\nwant\n%s", when, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// seriesOf is one line of the text format.
func seriesOf(name string, metric *dto.Metric) string {
	var labels []string
	for _, label := range metric.GetLabel() {
		labels = append(labels, fmt.Sprintf("%s=%q", label.GetName(), label.GetValue()))
	}
	value := metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
	return fmt.Sprintf("%s{%s} %v", name, strings.Join(labels, ","), value)
}

func TestMetricsShowConditionsTimesOfCertificatesEjectionsAndBlockedNamespaces(t *testing.T) {
	registry, of := prometheus.NewRegistry(), &cluster{}
	metrics := NewMetrics(registry, of.list)
	of.extensionAPIs = []v1alpha1.ExtensionAPI{measured("wardle", v1alpha1.ExtensionAPIStatus{
		Conditions: []metav1.Condition{{Type: "Ready", Status: "False", Reason: "CrashLoopBackOff"}},
		Certificate: &v1alpha1.CertificateStatus{
			NotAfter: metav1.Unix(60, 0), RenewalTime: new(metav1.Unix(30, 0)), CANotAfter: new(metav1.Unix(120, 0)),
		},
		StandIn:           &v1alpha1.StandInStatus{Since: new(metav1.Unix(30, 0))},
		Endpoints:         []v1alpha1.EndpointStatus{{Address: "a", Ejected: &v1alpha1.EjectionStatus{}}, {Address: "b"}},
		BlockedNamespaces: 3,
	})}
	metrics.Begin("wardle", true)
	metrics.CountEjection("wardle")
	metrics.CountSwitch("wardle", true)
	expectSeries(t, "at first", registry, `
extensionapi_info{extensionapi="wardle",server_namespace="shop",service="wardle"} 1
extensionapi_condition{extensionapi="wardle",status="True",type="Ready"} 0
extensionapi_condition{extensionapi="wardle",status="False",type="Ready"} 1
extensionapi_condition{extensionapi="wardle",status="Unknown",type="Ready"} 0
extensionapi_condition_reason{extensionapi="wardle",reason="CrashLoopBackOff",type="Ready"} 1
extensionapi_certificate_expiration_timestamp_seconds{certificate="serving",extensionapi="wardle"} 60
extensionapi_certificate_expiration_timestamp_seconds{certificate="ca",extensionapi="wardle"} 120
extensionapi_certificate_renewal_timestamp_seconds{extensionapi="wardle"} 30
extensionapi_replicas_ejected{extensionapi="wardle"} 1
extensionapi_namespaces_blocked{extensionapi="wardle"} 3
extensionapi_replica_ejections_total{extensionapi="wardle"} 1
extensionapi_stand_in{extensionapi="wardle"} 1
extensionapi_stand_in_switches_total{extensionapi="wardle",to="server"} 0
extensionapi_stand_in_switches_total{extensionapi="wardle",to="stand-in"} 1
`)

	of.extensionAPIs[0].Status.Certificate = nil
	expectSeries(t, "without a certificate", registry, "",
		"extensionapi_certificate_expiration_timestamp_seconds", "extensionapi_certificate_renewal_timestamp_seconds")

	of.extensionAPIs = nil
	metrics.Forget("wardle")
	if left, err := testutil.GatherAndCount(registry); err != nil || left != 0 {
		t.Errorf("%d series are left of an ExtensionAPI that is gone (%v)", left, err)
	}
}

func TestAConditionHasASeriesForItsPresentReasonAlone(t *testing.T) {
	registry, of := prometheus.NewRegistry(), &cluster{}
	NewMetrics(registry, of.list)
	wardle := measured("wardle", v1alpha1.ExtensionAPIStatus{Conditions: []metav1.Condition{
		{Type: v1alpha1.ConditionCertificatesReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonIssued},
		{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady},
	}})
	other := measured("other", v1alpha1.ExtensionAPIStatus{Conditions: []metav1.Condition{
		{Type: v1alpha1.ConditionCertificatesReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonIssued},
	}})
	const reasons = "extensionapi_condition_reason"
	const ofOther = `
extensionapi_condition_reason{extensionapi="other",reason="Issued",type="CertificatesReady"} 1
`
	of.extensionAPIs = []v1alpha1.ExtensionAPI{wardle, other}
	expectSeries(t, "at first", registry, ofOther+`
extensionapi_condition_reason{extensionapi="wardle",reason="Issued",type="CertificatesReady"} 1
extensionapi_condition_reason{extensionapi="wardle",reason="Ready",type="Ready"} 1
`, reasons)
	of.extensionAPIs[0].Status.Conditions[0].Reason = v1alpha1.ReasonRotationStuck
	expectSeries(t, "after a reason has changed", registry, ofOther+`
extensionapi_condition_reason{extensionapi="wardle",reason="RotationStuck",type="CertificatesReady"} 1
extensionapi_condition_reason{extensionapi="wardle",reason="Ready",type="Ready"} 1
`, reasons)
	of.extensionAPIs = of.extensionAPIs[1:]
	expectSeries(t, "after an ExtensionAPI is gone", registry, ofOther, reasons)
}

func TestEjectedReplicasAreMeasuredOfServersAlone(t *testing.T) {
	registry, of := prometheus.NewRegistry(), &cluster{}
	NewMetrics(registry, of.list)
	existing := measured("existing", v1alpha1.ExtensionAPIStatus{})
	existing.Spec = v1alpha1.ExtensionAPISpec{ExistingService: &v1alpha1.ExistingService{}}
	of.extensionAPIs = []v1alpha1.ExtensionAPI{existing, measured("wardle", v1alpha1.ExtensionAPIStatus{})}
	expectSeries(t, "of both", registry, `
extensionapi_replicas_ejected{extensionapi="wardle"} 0
`, "extensionapi_replicas_ejected")
}

func TestCountersBeginAtZero(t *testing.T) {
	registry, of := prometheus.NewRegistry(), &cluster{}
	metrics := NewMetrics(registry, of.list)
	metrics.Begin("wardle", true)
	expectSeries(t, "before any", registry, `
extensionapi_replica_ejections_total{extensionapi="wardle"} 0
extensionapi_stand_in_switches_total{extensionapi="wardle",to="server"} 0
extensionapi_stand_in_switches_total{extensionapi="wardle",to="stand-in"} 0
`)
	metrics.CountEjection("wardle")
	metrics.Begin("wardle", true)
	expectSeries(t, "after one", registry, `
extensionapi_replica_ejections_total{extensionapi="wardle"} 1
extensionapi_stand_in_switches_total{extensionapi="wardle",to="server"} 0
extensionapi_stand_in_switches_total{extensionapi="wardle",to="stand-in"} 0
`)
}

func TestOtherMetricsAreScrapedWhenExtensionAPIsCannotBeListed(t *testing.T) {
	registry, of := prometheus.NewRegistry(), &cluster{err: errors.New("the cache is not started")}
	NewMetrics(registry, of.list).Begin("wardle", true)
	if series, err := testutil.GatherAndCount(registry); err != nil || series != 3 {
		t.Errorf("%d series, %v; want only the counters", series, err)
	}
}

func TestMetricsFollowTheRulesOfPrometheus(t *testing.T) {
	registry := prometheus.NewRegistry()
	of := &cluster{extensionAPIs: []v1alpha1.ExtensionAPI{measured("wardle", v1alpha1.ExtensionAPIStatus{
		Conditions: []metav1.Condition{{Type: "Ready", Status: "True", Reason: "Ready"}},
		Certificate: &v1alpha1.CertificateStatus{
			NotAfter: metav1.Unix(60, 0), RenewalTime: new(metav1.Unix(30, 0)), CANotAfter: new(metav1.Unix(120, 0)),
		},
	})}}
	NewMetrics(registry, of.list).Begin("wardle", true)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v (%v)", problems, err)
	}
}
