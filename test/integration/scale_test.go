// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestAServerIsScaledByTheScaleSubresource(t *testing.T) {
	t.Parallel()
	const name = "scaled"
	startRollout(t, name)
	setDeploymentStatus(t, name, 2)
	awaitThat(t, name, func(e *v1alpha1.ExtensionAPI) error {
		if ptr.Deref(e.Status.Replicas, 0) != 2 {
			return fmt.Errorf("status.replicas is %d", ptr.Deref(e.Status.Replicas, 0))
		}
		return nil
	})
	scale := &autoscalingv1.Scale{}
	if err := plane.client.SubResource("scale").Get(ctx, named(name), scale); err != nil {
		t.Fatal(err)
	}
	const selector = "aggregation.extensionapi.dev/extensionapi=scaled,app.kubernetes.io/component=server"
	if scale.Spec.Replicas != 2 || scale.Status.Replicas != 2 || scale.Status.Selector != selector {
		t.Errorf("the scale is %+v, %+v", scale.Spec, scale.Status)
	}
	scale.Spec.Replicas = 3
	if err := plane.client.SubResource("scale").Update(ctx, named(name), client.WithSubResourceBody(scale)); err != nil {
		t.Fatal(err)
	}
	awaitReplicas(t, name, 3)
	kubectl(t, "scale", "xapi", name, "--replicas", "4")
	awaitReplicas(t, name, 4)
	if output, err := runKubectl("scale", "xapi", name, "--replicas", "0"); err == nil {
		t.Errorf("a server is scaled to nothing: %s", output)
	}
}

// The scale of the Deployment is what a HorizontalPodAutoscaler, or one of KEDA, changes.
func TestADeploymentThatOthersScaleKeepsTheirReplicas(t *testing.T) {
	t.Parallel()
	const name = "scaled-by-others"
	startRollout(t, name)
	change(t, get(t, name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.ScaleTarget = v1alpha1.ScaleTargetDeployment })
	for i, replicas := range []int32{5, 7, 1, 5} {
		scaleDeployment(t, name, replicas)
		image := fmt.Sprintf("registry.example.com/server:%d", i)
		change(t, get(t, name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Template.Spec.Containers[0].Image = image })
		awaitDeployment(t, name, func(deployment *appsv1.Deployment) error {
			if got := deployment.Spec.Template.Spec.Containers[0].Image; got != image {
				return fmt.Errorf("the image is %s", got)
			}
			if *deployment.Spec.Replicas != replicas {
				t.Errorf("%d replicas have become %d", replicas, *deployment.Spec.Replicas)
			}
			return nil
		})
	}
	if output, err := runKubectl("scale", "xapi", name, "--replicas", "3"); err == nil ||
		!strings.Contains(output, "spec.server.replicas has no effect") {
		t.Errorf("the ExtensionAPI is scaled in vain: %s", output)
	}
	scaleDeployment(t, name, 0)
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonScaledToZero,
		"kubectl -n "+name+" scale deployment "+name))
	scaleDeployment(t, name, 5)
	change(t, get(t, name), func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.ScaleTarget, e.Spec.Server.Replicas = v1alpha1.ScaleTargetExtensionAPI, new(int32(4))
	})
	awaitReplicas(t, name, 4)
	if events := eventsOf(t, name); events["Warning "+v1alpha1.ReasonContested] > 0 {
		t.Errorf("who scales the Deployment is reported: %v", events)
	}
}

func scaleDeployment(t *testing.T, name string, replicas int32) {
	t.Helper()
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	err := plane.client.SubResource("scale").Update(ctx, otherDeployment(in(name, name)),
		client.WithSubResourceBody(scale), client.FieldOwner(otherManager))
	if err != nil {
		t.Fatal(err)
	}
}

// A HorizontalPodAutoscaler has a namespace, in which it looks for the scale of its target.
func TestAHorizontalPodAutoscalerCannotReachTheScaleOfAnExtensionAPI(t *testing.T) {
	t.Parallel()
	const name = "not-autoscaled"
	startRollout(t, name)
	const path = "/apis/aggregation.extensionapi.dev/v1alpha1/%sextensionapis/" + name + "/scale"
	kubectl(t, "get", "--raw", fmt.Sprintf(path, ""))
	output, err := runKubectl("get", "--raw", fmt.Sprintf(path, "namespaces/"+name+"/"))
	if err == nil || !strings.Contains(output, "NotFound") {
		t.Errorf("it is found: %s", output)
	}
}

func TestAManifestWithoutReplicasLeavesTheLiveNumberAlone(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{"applied-by-client": nil, "applied-by-server": {"--server-side"}} {
		createNamespace(t, name)
		apply := append([]string{"apply", "--filename", manifestWithoutReplicas(t, name)}, flags...)
		kubectl(t, apply...)
		t.Cleanup(func() { remove(t, name) })
		awaitReplicas(t, name, v1alpha1.DefaultReplicas)
		kubectl(t, "scale", "xapi", name, "--replicas", "5")
		kubectl(t, apply...)
		if replicas := get(t, name).Spec.Server.Replicas; *replicas != 5 {
			t.Errorf("%s: there are %d replicas after the second apply", name, *replicas)
		}
		awaitReplicas(t, name, 5)
	}
}

func manifestWithoutReplicas(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".yaml")
	content := fmt.Sprintf(`
apiVersion: aggregation.extensionapi.dev/v1alpha1
kind: ExtensionAPI
metadata: {name: %[1]s}
spec:
  groups: [{name: %[1]s.example.com, versions: [{name: v1}]}]
  server:
    namespace: %[1]s
    template: {spec: {containers: [{name: apiserver, image: registry.example.com/server}]}}
`, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func awaitDeployment(t *testing.T, name string, wanted func(*appsv1.Deployment) error) {
	t.Helper()
	eventually(t, func() error {
		deployment := otherDeployment(in(name, name))
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(deployment), deployment); err != nil {
			return err
		}
		return wanted(deployment)
	})
}

// awaitReplicas waits until the Deployment is to have that many.
func awaitReplicas(t *testing.T, name string, want int32) {
	t.Helper()
	awaitDeployment(t, name, func(deployment *appsv1.Deployment) error {
		if *deployment.Spec.Replicas != want {
			return fmt.Errorf("the Deployment has %d replicas", *deployment.Spec.Replicas)
		}
		return nil
	})
}

func TestAnotherClientThatKeepsScalingTheDeploymentIsNamed(t *testing.T) {
	t.Parallel()
	const name = "fought-over-scale"
	startRollout(t, name)
	for range 5 {
		scaleDeployment(t, name, 7)
		awaitReplicas(t, name, v1alpha1.DefaultReplicas)
	}
	event := expectEvent(t, name, "Warning Contested", "Deployment "+name+"/"+name+": "+unknownHolder+" keeps changing it",
		"kubectl scale xapi "+name)
	troubleshooting.Check(t, "fought-over-scale", event)
}
