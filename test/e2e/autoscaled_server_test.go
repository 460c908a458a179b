// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// scalesServer has a HorizontalPodAutoscaler scale the adapter itself from one replica to two, by an external metric
// that it serves as 42, and checks that a later change of the ExtensionAPI keeps both.
func scalesServer(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	setServer := func(fields map[string]any) {
		merge(t, extensionAPI.DeepCopy(), map[string]any{"spec": map[string]any{"server": fields}})
	}
	setServer(map[string]any{"scaleTarget": v1alpha1.ScaleTargetDeployment})
	server := client.ObjectKey{Namespace: customMetrics, Name: extensionAPI.Name}
	autoscaler := externalAutoscaler(server, resource.MustParse("21"))
	if err := kube.Create(t.Context(), autoscaler); err != nil {
		t.Fatal(err)
	}
	t.Logf("the server was scaled after %s", eventually(t, autoscalerSoon, hasReplicas(server, 2)))
	setServer(map[string]any{"minReadySeconds": 1})
	eventually(t, soon, func(ctx context.Context) error {
		deployment := &appsv1.Deployment{}
		if err := kube.Get(ctx, server, deployment); err != nil {
			return err
		}
		if deployment.Spec.MinReadySeconds != 1 {
			return fmt.Errorf("minReadySeconds is %d", deployment.Spec.MinReadySeconds)
		}
		return nil
	})
	if err := hasReplicas(server, 2)(t.Context()); err != nil {
		t.Errorf("after a change of the ExtensionAPI: %v", err)
	}
	eventually(t, soon, ready(extensionAPI))
}

func externalAutoscaler(server client.ObjectKey, perReplica resource.Quantity) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: server.Namespace, Name: server.Name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{
				APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "Deployment", Name: server.Name,
			},
			MaxReplicas: 4,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ExternalMetricSourceType,
				External: &autoscalingv2.ExternalMetricSource{
					Metric: autoscalingv2.MetricIdentifier{
						Name:     "my-external-metric",
						Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"foo": "bar"}},
					},
					Target: autoscalingv2.MetricTarget{
						Type: autoscalingv2.AverageValueMetricType, AverageValue: &perReplica,
					},
				},
			}},
		},
	}
}
