// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const customMetrics = "custom-metrics"

// autoscalerSoon includes several periods of the HorizontalPodAutoscaler's controller, which are 15 s.
const autoscalerSoon = 90 * time.Second

func TestHorizontalPodAutoscalerScalesByACustomMetric(t *testing.T) {
	t.Parallel()
	extensionAPI := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: customMetrics}}
	applySample(t, "config/samples/custom-metrics.yaml", extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	kubectl(t, "apply", "-f", "config/samples/autoscaler.yaml")

	worker := client.ObjectKey{Namespace: customMetrics, Name: "worker"}
	for _, step := range []struct {
		queueLength string
		workers     int32
	}{{"30", 3}, {"5", 1}} {
		writeMetric(t, "deployments.apps/worker/queue-length", step.queueLength)
		t.Logf("scaled to %d after %s", step.workers, eventually(t, autoscalerSoon, hasReplicas(worker, step.workers)))
	}
	eventually(t, soon, canBeRead("/apis/external.metrics.k8s.io/v1beta1/namespaces/default/my-external-metric"))
	// It leaves group-versions out of the aggregated form of GET /apis, whose resources offer only get.
	eventually(t, time.Minute, isWithinLimit(extensionAPI))
	scalesServer(t, extensionAPI)
}

// isWithinLimit succeeds when DiscoveryWithinLimit is True.
func isWithinLimit(extensionAPI *v1alpha1.ExtensionAPI) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		if conditionOf(current, v1alpha1.ConditionDiscoveryWithinLimit).Status != metav1.ConditionTrue {
			return fmt.Errorf("DiscoveryWithinLimit is not True: %s", describe(current))
		}
		return nil
	}
}

// writeMetric sets a metric of an object in the adapter's namespace, by the port that is not part of the API.
func writeMetric(t *testing.T, metric, value string) {
	t.Helper()
	service := &corev1.Service{}
	key := client.ObjectKey{Namespace: customMetrics, Name: "write-metrics"}
	if err := kube.Get(t.Context(), key, service); err != nil {
		t.Fatal(err)
	}
	address := "http://" + service.Spec.ClusterIP + "/write-metrics/namespaces/" + customMetrics + "/" + metric
	if err := exchange(t.Context(), http.DefaultClient, http.MethodPost, address, fmt.Sprintf("%q", value)); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}

// hasReplicas succeeds when the Deployment is to have that many.
func hasReplicas(key client.ObjectKey, want int32) func(context.Context) error {
	return func(ctx context.Context) error {
		deployment := &appsv1.Deployment{}
		err := kube.Get(ctx, key, deployment)
		if found := ptr.Deref(deployment.Spec.Replicas, 0); err == nil && found != want {
			err = fmt.Errorf("Deployment %s is to have %d replicas, not %d", key, found, want)
		}
		return err
	}
}
