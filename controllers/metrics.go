// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const labelExtensionAPI = "extensionapi"

// Metrics are what alerts are made of: the conditions, and the times of certificates.
type Metrics struct {
	condition, expiry, renewal *prometheus.GaugeVec
}

// NewMetrics returns metrics registered with registerer.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	metrics := &Metrics{
		condition: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_condition",
			Help: "1 for the status (True, False or Unknown) that a condition has, 0 for the others.",
		}, []string{labelExtensionAPI, "type", "status"}),
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_certificate_expiration_timestamp_seconds",
			Help: "When a certificate expires, in seconds since the epoch: the serving certificate, or the authority (ca) " +
				"that issued it.",
		}, []string{labelExtensionAPI, "certificate"}),
		renewal: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "extensionapi_certificate_renewal_timestamp_seconds",
			Help: "When the operator will renew the serving certificate, in seconds since the epoch.",
		}, []string{labelExtensionAPI}),
	}
	registerer.MustRegister(metrics.condition, metrics.expiry, metrics.renewal)
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
	}
	told := status.Certificate
	if told == nil {
		told = &v1alpha1.CertificateStatus{}
	}
	setTime(m.expiry, &told.NotAfter, name, "serving")
	setTime(m.expiry, told.CANotAfter, name, "ca")
	setTime(m.renewal, told.RenewalTime, name)
}

func (m *Metrics) forget(name string) {
	labels := prometheus.Labels{labelExtensionAPI: name}
	m.condition.DeletePartialMatch(labels)
	m.expiry.DeletePartialMatch(labels)
	m.renewal.DeletePartialMatch(labels)
}

// setTime removes the series where there is no such time.
func setTime(gauge *prometheus.GaugeVec, moment *metav1.Time, labels ...string) {
	if moment.IsZero() {
		gauge.DeleteLabelValues(labels...)
		return
	}
	gauge.WithLabelValues(labels...).Set(float64(moment.Unix()))
}
