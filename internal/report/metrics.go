// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

const labelExtensionAPI = "extensionapi"

func describeMetric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{labelExtensionAPI}, labels...), nil)
}

var (
	conditionMetric = describeMetric("extensionapi_condition",
		"1 for the status (True, False or Unknown) that a condition has, 0 for the others.", "type", "status")
	reasonMetric = describeMetric("extensionapi_condition_reason",
		"1 for the reason that a condition has; there is no series of any other.", "type", "reason")
	expiryMetric = describeMetric("extensionapi_certificate_expiration_timestamp_seconds",
		"When a certificate expires, in seconds since the epoch: the serving certificate, or the CA (ca) that issued it.",
		"certificate")
	renewalMetric = describeMetric("extensionapi_certificate_renewal_timestamp_seconds",
		"When the operator will renew the serving certificate, in seconds since the epoch.")
	standInMetric = describeMetric("extensionapi_stand_in",
		"1 while the operator serves discovery in place of the server, since no replica answers, 0 otherwise.")
	ejectedMetric = describeMetric("extensionapi_replicas_ejected",
		"Ready replicas that get no requests, because they fail discovery, as far as status.endpoints lists them.")
	infoMetric = describeMetric("extensionapi_info",
		"Always 1; the labels name the Service behind the APIServices, to join with: on (extensionapi) group_left.",
		"server_namespace", "service")
	blockedMetric = describeMetric("extensionapi_namespaces_blocked",
		"Namespaces that are being deleted and wait for the API: its server, or objects of it.")
)

// listTimeout bounds how long a scrape waits for a cache that has not been read.
const listTimeout = time.Second

// Metrics collects what alerts are made of from the status of every ExtensionAPI, at the time of a scrape: what was
// written is what is measured, and nothing is left of an ExtensionAPI that is gone.
type Metrics struct {
	list      func(context.Context) ([]v1alpha1.ExtensionAPI, error)
	ejections *prometheus.CounterVec
	switches  *prometheus.CounterVec
}

// NewMetrics returns metrics of what list returns, registered with registerer.
func NewMetrics(
	registerer prometheus.Registerer, list func(context.Context) ([]v1alpha1.ExtensionAPI, error),
) *Metrics {
	m := &Metrics{list: list, ejections: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "extensionapi_replica_ejections_total",
		Help: "Replicas ejected from the Service, because they failed discovery.",
	}, []string{labelExtensionAPI}), switches: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "extensionapi_stand_in_switches_total",
		Help: "APIServices that were led to the operator's stand-in (stand-in), or back to the server (server).",
	}, []string{labelExtensionAPI, "to"})}
	registerer.MustRegister(m, m.ejections, m.switches)
	return m
}

// Begin begins the counters of an ExtensionAPI, so that their first step is seen. Only a server of the operator has
// replicas to eject.
func (m *Metrics) Begin(name string, runsServer bool) {
	if runsServer {
		m.ejections.WithLabelValues(name).Add(0)
	}
	m.switches.WithLabelValues(name, toStandIn).Add(0)
	m.switches.WithLabelValues(name, toServer).Add(0)
}

// Values of the label to.
const toStandIn, toServer = "stand-in", "server"

// CountEjection counts a replica that was ejected.
func (m *Metrics) CountEjection(name string) { m.ejections.WithLabelValues(name).Inc() }

// CountSwitch counts an APIService that was led to the stand-in, or back to the server.
func (m *Metrics) CountSwitch(name string, standIn bool) {
	to := toServer
	if standIn {
		to = toStandIn
	}
	m.switches.WithLabelValues(name, to).Inc()
}

// Forget removes the counters of an ExtensionAPI.
func (m *Metrics) Forget(name string) {
	m.ejections.DeleteLabelValues(name)
	m.switches.DeletePartialMatch(prometheus.Labels{labelExtensionAPI: name})
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		infoMetric, conditionMetric, reasonMetric, expiryMetric, renewalMetric, ejectedMetric, standInMetric,
		blockedMetric,
	} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), listTimeout)
	defer cancel()
	extensionAPIs, err := m.list(ctx)
	if err != nil {
		// An invalid metric would fail the whole scrape.
		klog.Background().Error(err, "leaving the metrics of ExtensionAPIs out of a scrape")
		return
	}
	for i := range extensionAPIs {
		s := series{extensionAPIs[i].Name, metrics}
		status := &extensionAPIs[i].Status
		s.info(manifests.BackendOf(&extensionAPIs[i]))
		s.conditions(status.Conditions)
		s.certificate(status.Certificate)
		s.standIn(status.StandIn)
		s.add(blockedMetric, float64(status.BlockedNamespaces))
		if extensionAPIs[i].Spec.Server != nil {
			s.add(ejectedMetric, float64(ejectedIn(status.Endpoints)))
		}
	}
}

// series are those of one ExtensionAPI.
type series struct {
	name    string
	metrics chan<- prometheus.Metric
}

func (s series) add(desc *prometheus.Desc, value float64, labels ...string) {
	s.metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{s.name}, labels...)...)
}

// addTime adds nothing where there is no such time.
func (s series) addTime(desc *prometheus.Desc, moment *metav1.Time, labels ...string) {
	if !moment.IsZero() {
		s.add(desc, float64(moment.Unix()), labels...)
	}
}

// info has no label namespace, which Prometheus sets to the operator's.
func (s series) info(backend manifests.Backend) {
	s.add(infoMetric, 1, backend.Namespace, backend.Name)
}

var statuses = []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown}

func (s series) conditions(conditions []metav1.Condition) {
	for _, condition := range conditions {
		for _, possible := range statuses {
			value := 0.0
			if condition.Status == possible {
				value = 1
			}
			s.add(conditionMetric, value, condition.Type, string(possible))
		}
		s.add(reasonMetric, 1, condition.Type, condition.Reason)
	}
}

func (s series) certificate(certificate *v1alpha1.CertificateStatus) {
	if certificate == nil {
		return
	}
	s.addTime(expiryMetric, &certificate.NotAfter, "serving")
	s.addTime(expiryMetric, certificate.CANotAfter, "ca")
	s.addTime(renewalMetric, certificate.RenewalTime)
}

func (s series) standIn(record *v1alpha1.StandInStatus) {
	serves := 0.0
	if record != nil && record.Since != nil {
		serves = 1
	}
	s.add(standInMetric, serves)
}

func ejectedIn(endpoints []v1alpha1.EndpointStatus) (ejected int) {
	for _, endpoint := range endpoints {
		if endpoint.Ejected != nil {
			ejected++
		}
	}
	return ejected
}
