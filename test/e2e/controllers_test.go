// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// TestControllersAreStartedLastAndStoppedFirst shows the order in kube-apiserver's audit log.
func TestControllersAreStartedLastAndStoppedFirst(t *testing.T) {
	const name, group = "controlled", "controlled.example.com"
	started := time.Now()
	extensionAPI := faultServerAPI(name, group, "v1")
	extensionAPI.Spec.Controllers = []v1alpha1.Controller{{Name: "manager", Template: idle()}}
	createUntilCleanup(t, extensionAPI)
	eventually(t, time.Minute, shows(extensionAPI, v1alpha1.ConditionControllersAvailable, metav1.ConditionTrue,
		v1alpha1.ReasonReplicasAvailable, "", status.CurrentStatus))
	expectOrder(t, started, "create apiservices v1."+group, "create deployments "+name+"-manager")

	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
		spec.Controllers[0].Template.Spec.Containers[0].Image = "extensionapi.dev/nowhere:v1"
	})
	eventually(t, time.Minute, shows(extensionAPI, v1alpha1.ConditionControllersAvailable, metav1.ConditionTrue,
		v1alpha1.ReasonImagePullBackOff, "controller manager: ", status.CurrentStatus))

	before := podUIDs(t, extensionAPI)
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
		spec.Controllers[0].Template = idle()
		spec.Server.Certificates = &v1alpha1.Certificates{
			Managed: &v1alpha1.ManagedCertificates{RotateServingAfter: new(metav1.Now())},
		}
	})
	eventually(t, 2*time.Minute, ready(extensionAPI))
	if after := podUIDs(t, extensionAPI); !slices.Equal(before, after) {
		t.Errorf("a rotation has replaced the Pods of the controller: %q became %q", before, after)
	}

	deleted := time.Now()
	if err := remove(t.Context(), extensionAPI); err != nil {
		t.Fatal(err)
	}
	expectOrder(t, deleted, "delete deployments "+name+"-manager", "delete apiservices v1."+group,
		"delete deployments "+name)
}

// idle is a template whose container waits for the signal to stop: the server without group-versions.
func idle() corev1.PodTemplateSpec {
	container := corev1.Container{
		Name: "manager", Image: faultServerImage,
		Args:         []string{"--tls-cert-file=/cert/tls.crt", "--tls-private-key-file=/cert/tls.key"},
		VolumeMounts: []corev1.VolumeMount{{Name: "cert", MountPath: "/cert"}},
	}
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Containers: []corev1.Container{container},
		Volumes: []corev1.Volume{{Name: "cert", VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: manifests.ServingSecretName("controlled")},
		}}},
	}}
	endSoon(&template.Spec)
	return template
}

// podUIDs are those of the ready Pods of the controller.
func podUIDs(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) (uids []string) {
	t.Helper()
	controller := manifests.ControllersOf(extensionAPI)[0]
	pods, err := labelledPods(t.Context(), manifests.ComponentLabel, controller.Labels[manifests.ComponentLabel])
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		if slices.ContainsFunc(pod.Status.Conditions, func(condition corev1.PodCondition) bool {
			return condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue
		}) {
			uids = append(uids, string(pod.UID))
		}
	}
	slices.Sort(uids)
	return uids
}

// expectOrder waits until the first of the operator's requests of each kind since start, such as "delete apiservices
// v1.example.com", are in the audit log in this order.
func expectOrder(t *testing.T, start time.Time, wanted ...string) {
	t.Helper()
	eventually(t, 30*time.Second, func(context.Context) error {
		requests, err := operatorRequests()
		if err != nil {
			return err
		}
		var found []string
		for _, request := range requests {
			seen := describeRequest(request)
			if !request.RequestReceivedTimestamp.Time.Before(start) && slices.Contains(wanted, seen) &&
				!slices.Contains(found, seen) {
				found = append(found, seen)
			}
		}
		if !slices.Equal(found, wanted) {
			return fmt.Errorf("the requests are %q, want %q", found, wanted)
		}
		return nil
	})
}

// describeRequest is empty for a request that failed. A server-side apply is a patch, also where it creates the object.
func describeRequest(request auditv1.Event) string {
	if request.ObjectRef == nil || request.ResponseStatus == nil || request.ResponseStatus.Code >= 300 {
		return ""
	}
	verb := request.Verb
	if verb == "patch" && request.ResponseStatus.Code == 201 {
		verb = "create"
	}
	return verb + " " + request.ObjectRef.Resource + " " + request.ObjectRef.Name
}
