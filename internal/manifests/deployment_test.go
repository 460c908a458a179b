// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestReplicasAreThoseOfTheScaleTarget(t *testing.T) {
	scaled := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{ResourceVersion: "7"}, Spec: appsv1.DeploymentSpec{Replicas: new(int32(5))},
	}
	for name, test := range map[string]struct {
		target  v1alpha1.ScaleTarget
		current *appsv1.Deployment
		want    int32
		// ifUnchanged is the version of which the replicas are kept.
		ifUnchanged string
	}{
		"a new Deployment":                     {v1alpha1.ScaleTargetExtensionAPI, nil, 3, ""},
		"another client's change":              {v1alpha1.ScaleTargetExtensionAPI, scaled, 3, ""},
		"a new Deployment for others to scale": {v1alpha1.ScaleTargetDeployment, nil, 3, ""},
		"a Deployment that others scale":       {v1alpha1.ScaleTargetDeployment, scaled, 5, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			extensionAPI := read(t, "minimal.yaml")
			extensionAPI.Spec.Server.Replicas, extensionAPI.Spec.Server.ScaleTarget = new(int32(3)), test.target
			deployment, err := Deployment(extensionAPI, ServerOf(extensionAPI), Observed{Deployment: test.current})
			if err != nil {
				t.Fatal(err)
			}
			if *deployment.Spec.Replicas != test.want || ptr.Deref(deployment.ResourceVersion, "") != test.ifUnchanged {
				t.Errorf("%d replicas, if the version is %q", *deployment.Spec.Replicas, ptr.Deref(deployment.ResourceVersion, ""))
			}
		})
	}
}
