// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// ServiceMonitorsUnknown is found where the cluster does not know the kind.
func ServiceMonitorsUnknown() finding.Finding {
	return finding.Bad(v1alpha1.ReasonServiceMonitorsUnknown, "the cluster does not know this kind", finding.Settled).
		Alarming().
		Advising("Install the CustomResourceDefinitions of the Prometheus Operator, or remove spec.server.serviceMonitor")
}

// NotMonitored is found of a server that is available, and whose ServiceMonitor has a problem.
func NotMonitored(available, problem finding.Finding) finding.Finding {
	problem.Status = metav1.ConditionTrue
	problem.Evidence = fmt.Sprintf(
		"%s, but the ServiceMonitor cannot be applied: %s", available.Evidence, problem.Evidence)
	return problem.Affecting("Prometheus does not scrape the server")
}
