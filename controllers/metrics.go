// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const labelExtensionAPI = "extensionapi"

// Metrics are what alerts are made of: the conditions, the times of certificates, and the replicas that get no
// requests.
type Metrics struct {
	condition, reason, expiry, renewal, ejected *prometheus.GaugeVec
	ejections                                   *prometheus.CounterVec
}

// NewMetrics returns metrics registered with registerer.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	metrics := &Metrics{
		condition: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_condition",
			Help: "1 for the status (True, False or Unknown) that a condition has, 0 for the others.",
		}, []string{labelExtensionAPI, "type", "status"}),
		reason: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_condition_reason",
			Help: "1 for the reason that a condition has; there is no series of any other.",
		}, []string{labelExtensionAPI, "type", "reason"}),
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_certificate_expiration_timestamp_seconds",
			Help: "When a certificate expires, in seconds since the epoch: the serving certificate, or the authority (ca) " +
				"that issued it.",
		}, []string{labelExtensionAPI, "certificate"}),
		renewal: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_certificate_renewal_timestamp_seconds",
			Help: "When the operator will renew the serving certificate, in seconds since the epoch.",
		}, []string{labelExtensionAPI}),
		ejected: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_replicas_ejected",
			Help: "Ready replicas that get no requests, because they answer discovery badly.",
		}, []string{labelExtensionAPI}),
		ejections: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "extensionapi_replica_ejections_total",
			Help: "Replicas taken out of the Service, because they answered discovery badly.",
		}, []string{labelExtensionAPI}),
	}
	registerer.MustRegister(
		metrics.condition, metrics.reason, metrics.expiry, metrics.renewal, metrics.ejected, metrics.ejections)
	return metrics
}

var statuses = []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown}

func (m *Metrics) observe(name string, status *v1alpha1.ExtensionAPIStatus) {
	for _, condition := range status.Conditions {
		for _, possible := range statuses {
			value := 0.0
			if condition.Status == possible {
				value = 1
			}
			m.condition.WithLabelValues(name, condition.Type, string(possible)).Set(value)
		}
		m.reason.DeletePartialMatch(prometheus.Labels{labelExtensionAPI: name, "type": condition.Type})
		m.reason.WithLabelValues(name, condition.Type, condition.Reason).Set(1)
	}
	told := status.Certificate
	if told == nil {
		told = &v1alpha1.CertificateStatus{}
	}
	setTime(m.expiry, &told.NotAfter, name, "serving")
	setTime(m.expiry, told.CANotAfter, name, "ca")
	setTime(m.renewal, told.RenewalTime, name)
}

// observeEjected begins the counter, too, so that its first step is seen.
func (m *Metrics) observeEjected(name string, replicas int) {
	m.ejected.WithLabelValues(name).Set(float64(replicas))
	m.ejections.WithLabelValues(name).Add(0)
}

func (m *Metrics) countEjection(name string) { m.ejections.WithLabelValues(name).Inc() }

func (m *Metrics) forget(name string) {
	labels := prometheus.Labels{labelExtensionAPI: name}
	m.condition.DeletePartialMatch(labels)
	m.reason.DeletePartialMatch(labels)
	m.expiry.DeletePartialMatch(labels)
	m.renewal.DeletePartialMatch(labels)
	m.ejected.DeletePartialMatch(labels)
	m.ejections.DeletePartialMatch(labels)
}

// setTime removes the series where there is no such time.
func setTime(gauge *prometheus.GaugeVec, moment *metav1.Time, labels ...string) {
	if moment.IsZero() {
		gauge.DeleteLabelValues(labels...)
		return
	}
	gauge.WithLabelValues(labels...).Set(float64(moment.Unix()))
}
