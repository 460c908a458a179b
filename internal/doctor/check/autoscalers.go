// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
)

const kindAutoscaler = "horizontalpodautoscaler.autoscaling/"

// autoscalers reports those that cannot scale, since the metrics APIs give them nothing.
func autoscalers(v *view.View) []Result {
	read, known := v.Autoscalers.Get()
	switch {
	case v.Chosen:
		return nil
	case !known:
		return []Result{ofCluster(notChecked(v.Autoscalers.Err()))}
	}
	var results []Result
	for i := range read {
		failing := view.WithoutMetrics(&read[i])
		if failing == nil {
			continue
		}
		name := read[i].Namespace + "/" + read[i].Name
		found := warning("", fmt.Sprintf("it gets no metrics (%s): %s", excerpt.Quote(failing.Reason),
			excerpt.Quote(failing.Message))).
			Affecting("Its workload is not scaled").
			Advising("Look at the APIServices of metrics.k8s.io, custom.metrics.k8s.io and external.metrics.k8s.io: " +
				kubectl("-n %s describe hpa %s", read[i].Namespace, read[i].Name))
		results = append(results, Result{found.About("HorizontalPodAutoscaler " + name), kindAutoscaler + name})
	}
	if len(results) == 0 {
		return []Result{ofCluster(ok(""))}
	}
	return results
}
