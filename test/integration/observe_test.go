// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// apiServices returns the APIServices of an ExtensionAPI by name.
func apiServices(t *testing.T, name string) map[string]*apiregistrationv1.APIService {
	t.Helper()
	list := &apiregistrationv1.APIServiceList{}
	if err := plane.client.List(ctx, list, client.MatchingLabels(manifests.Labels(name))); err != nil {
		t.Fatal(err)
	}
	found := map[string]*apiregistrationv1.APIService{}
	for i := range list.Items {
		found[list.Items[i].Name] = &list.Items[i]
	}
	return found
}

func expectAPIServices(t *testing.T, name string, wanted ...string) {
	t.Helper()
	found := slices.Sorted(maps.Keys(apiServices(t, name)))
	slices.Sort(wanted)
	if !slices.Equal(found, wanted) {
		t.Errorf("ExtensionAPI %s has the APIServices %v, want %v", name, found, wanted)
	}
}

// resourceVersions returns the current resource versions of the objects.
func resourceVersions(t *testing.T, objects ...client.Object) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, object := range objects {
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			t.Fatal(err)
		}
		versions[fmt.Sprintf("%T %s", object, client.ObjectKeyFromObject(object))] = object.GetResourceVersion()
	}
	return versions
}

func expectUnchanged(t *testing.T, before, after map[string]string) {
	t.Helper()
	if maps.Equal(before, after) {
		return
	}
	for object := range before {
		if before[object] != after[object] {
			t.Errorf("%s was updated: resource version %s became %q", object, before[object], after[object])
		}
	}
	for object := range after {
		if _, found := before[object]; !found {
			t.Errorf("%s is new", object)
		}
	}
}

// observations returns the sample count of the discovery histogram.
func observations(t *testing.T, name, group, version, view string) uint64 {
	t.Helper()
	var count uint64
	for _, connection := range []string{"cold", "warm"} {
		for _, metric := range metricsOf(t, running.metrics, "extensionapi_discovery_duration_seconds", map[string]string{
			"extensionapi": name, "group": group, "version": version, "view": view, "connection": connection,
			"document": "group-version",
		}) {
			count += metric.GetHistogram().GetSampleCount()
		}
	}
	return count
}

// reconciliations returns the number of reconciliations of all ExtensionAPIs.
func reconciliations(t *testing.T) int {
	t.Helper()
	var count float64
	for _, result := range []string{"success", "requeue_after", "requeue", "error"} {
		for _, metric := range metricsOf(t, metrics.Registry, "controller_runtime_reconcile_total",
			map[string]string{"controller": "extensionapi", "result": result}) {
			count += metric.GetCounter().GetValue()
		}
	}
	return int(count)
}

// metricsOf returns the metrics of a family with these labels.
func metricsOf(t *testing.T, gatherer prometheus.Gatherer, name string, labels map[string]string) []*dto.Metric {
	t.Helper()
	families, err := gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var found []*dto.Metric
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			if maps.Equal(labelsOf(metric), labels) {
				found = append(found, metric)
			}
		}
	}
	return found
}

func labelsOf(metric *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, pair := range metric.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}
