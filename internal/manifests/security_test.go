// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func TestUsersAreLeftOutWhereAdmissionAssignsThem(t *testing.T) {
	security := fillTemplate(ServerOf(read(t, "minimal.yaml")), Observed{AssignsUsers: true}).Spec.SecurityContext
	if security.RunAsUser != nil || security.RunAsGroup != nil || security.FSGroup != nil {
		t.Errorf("they are set: %+v", security)
	}
	if !*security.RunAsNonRoot || security.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the rest of Pod Security \"restricted\" is not set: %+v", security)
	}
	extensionAPI := read(t, "minimal.yaml")
	extensionAPI.Spec.Server.Template.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1000650001))}
	filled := fillTemplate(ServerOf(extensionAPI), Observed{AssignsUsers: true})
	if got := filled.Spec.SecurityContext.RunAsUser; *got != 1000650001 {
		t.Errorf("the user of the template is %d", *got)
	}
}

func TestATemplateMayGetNoSecurityContext(t *testing.T) {
	extensionAPI := read(t, "everything-set.yaml")
	extensionAPI.Spec.Server.SecurityDefaults = v1alpha1.SecurityDefaultsNone
	wanted := extensionAPI.Spec.Server.Template.Spec
	got := fillTemplate(ServerOf(extensionAPI), Observed{}).Spec
	if !equality.Semantic.DeepEqual(got.SecurityContext, wanted.SecurityContext) {
		t.Errorf("the Pod has %+v", got.SecurityContext)
	}
	for i := range wanted.Containers {
		if !equality.Semantic.DeepEqual(got.Containers[i].SecurityContext, wanted.Containers[i].SecurityContext) {
			t.Errorf("container %s has %+v", wanted.Containers[i].Name, got.Containers[i].SecurityContext)
		}
	}
	if got.InitContainers[0].SecurityContext != nil {
		t.Errorf("the init container has %+v", got.InitContainers[0].SecurityContext)
	}
}
