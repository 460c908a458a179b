// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"k8s.io/client-go/dynamic"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// TestControllersAreStartedLastAndStoppedFirst shows the order in kube-apiserver's audit log.
func TestControllersAreStartedLastAndStoppedFirst(t *testing.T) {
	t.Parallel()
	const name, group = "controlled", "controlled.example.com"
	started := time.Now()
	extensionAPI := faultServerAPI(name, group, "v1")
	extensionAPI.Spec.Controllers = []v1alpha1.Controller{{Name: "manager", Template: idle(name)}}
	createUntilCleanup(t, extensionAPI)
	eventually(t, time.Minute, shows(extensionAPI, v1alpha1.ConditionControllersAvailable, metav1.ConditionTrue,
		v1alpha1.ReasonReplicasAvailable, "", status.CurrentStatus))
	expectOrder(t, started, "create apiservices v1."+group, "create deployments "+name+"-manager")

	for _, trouble := range controllerTroubles {
		change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
			spec.Controllers[0].Template = idle(name)
			trouble.cause(&spec.Controllers[0].Template.Spec.Containers[0])
		})
		// The earlier replica stays, since a new one that crashes never counts as available.
		eventually(t, time.Minute, shows(extensionAPI, v1alpha1.ConditionControllersAvailable, metav1.ConditionTrue,
			trouble.reason, trouble.words, status.CurrentStatus))
		if trouble.logged != "" {
			eventually(t, soon, logged(extensionAPI, trouble.logged))
		}
	}

	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.Controllers[0].Template = idle(name) })
	eventually(t, time.Minute, shows(extensionAPI, v1alpha1.ConditionControllersAvailable, metav1.ConditionTrue,
		v1alpha1.ReasonReplicasAvailable, "", status.CurrentStatus))
	eventually(t, time.Minute, func(ctx context.Context) error {
		if uids := podUIDs(ctx, t, extensionAPI); len(uids) != 1 {
			return fmt.Errorf("the controller has %d Pods", len(uids))
		}
		return nil
	})
	before := podUIDs(t.Context(), t, extensionAPI)
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
		spec.Server.Certificates = &v1alpha1.Certificates{
			Managed: &v1alpha1.ManagedCertificates{RotateServingAfter: new(metav1.Now())},
		}
	})
	eventually(t, 2*time.Minute, ready(extensionAPI))
	if after := podUIDs(t.Context(), t, extensionAPI); !slices.Equal(before, after) {
		t.Errorf("a rotation has replaced the Pods of the controller: %q became %q", before, after)
	}

	deleted := time.Now()
	if err := remove(t.Context(), extensionAPI); err != nil {
		t.Fatal(err)
	}
	expectOrder(t, deleted, "delete deployments "+name+"-manager", "delete apiservices v1."+group,
		"delete deployments "+name)
}

// controllerTroubles are faults of the container of a controller: what causes each, what the condition says, and what
// the log has to which it refers, as that may be secret.
var controllerTroubles = []struct {
	cause                 func(*corev1.Container)
	reason, words, logged string
}{
	{
		cause:  func(container *corev1.Container) { container.Image = "extensionapi.dev/nowhere:v1" },
		reason: v1alpha1.ReasonImagePullBackOff, words: `"extensionapi.dev/nowhere:v1"`,
	},
	{
		cause: func(container *corev1.Container) {
			container.Args = append(container.Args, "--no-such-flag")
		},
		reason: v1alpha1.ReasonCrashLoopBackOff, words: "container manager terminated with exit code 2 (Error). See its log",
		logged: "no-such-flag",
	},
	{ // The sample API server reads the configuration of authentication, which only the account of a server may.
		cause: func(container *corev1.Container) {
			container.Image = "extensionapi.dev/sample-apiserver:demo"
			container.Args = append(container.Args, "--secure-port=8443", "--etcd-servers=http://127.0.0.1:2379")
		},
		reason: v1alpha1.ReasonCrashLoopBackOff, words: "container manager terminated with exit code 1 (Error). See its log",
		logged: "forbidden",
	},
}

// logged succeeds when the log to which the condition ControllersAvailable refers has the words.
func logged(extensionAPI *v1alpha1.ExtensionAPI, words string) func(context.Context) error {
	return func(ctx context.Context) error {
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		_, command, _ := strings.Cut(conditionOf(current, v1alpha1.ConditionControllersAvailable).Message, "See its log: ")
		command, _, _ = strings.Cut(command, "--previous")
		args := append(strings.Fields(command), "--previous")
		printed, err := output(ctx, args[0], args[1:]...)
		if err == nil && !strings.Contains(printed, words) {
			err = fmt.Errorf("%q prints %q, without %q", args, printed, words)
		}
		return err
	}
}

// TestFinalizersOfAControllerStayWithTheObjectsOfADeletedAPI does what docs/tasks/controllers.md says of deletion:
// kubectl warns before, the deletions of the ExtensionAPI and of a namespace end, and the object is back with the API.
func TestFinalizersOfAControllerStayWithTheObjectsOfADeletedAPI(t *testing.T) {
	const namespace = "e2e-finalized"
	createNamespace(t, namespace)
	extensionAPI := wardle(t, sampleNamespace)
	extensionAPI.Spec.Controllers = []v1alpha1.Controller{{Name: "manager", Template: idle(extensionAPI.Name)}}
	again := extensionAPI.DeepCopy()
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	flunders := objects.Resource(schema.GroupVersionResource{
		Group: flunderGroup, Version: "v1beta1", Resource: "flunders",
	}).Namespace(namespace)
	deleteFinalized(t, flunders)

	warning, err := program(
		t.Context(), "kubectl", "delete", "xapi", extensionAPI.Name, "--dry-run=server").CombinedOutput()
	if err != nil || !strings.Contains(string(warning), "finalizers that they have set on objects stay") {
		t.Errorf("kubectl warns %q (%v)", warning, err)
	}
	if err := remove(t.Context(), extensionAPI); err != nil {
		t.Fatal(err)
	}
	deleteNamespace(t, namespace)
	if err := kube.Create(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, ready(extensionAPI))
	kept, err := flunders.Get(t.Context(), "kept", metav1.GetOptions{})
	if err != nil || kept.GetDeletionTimestamp() == nil || len(kept.GetFinalizers()) != 1 {
		t.Fatalf("after the API was registered again, there is %+v (%v)", kept, err)
	}
	if err := finalize(flunders)(t.Context()); !apierrors.IsNotFound(err) {
		t.Errorf("without its namespace it is changed: %v", err)
	}
	createNamespace(t, namespace)
	eventually(t, soon, finalize(flunders))
	if _, err := flunders.Get(t.Context(), "kept", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("without its finalizer it is not gone: %v", err)
	}
}

// deleteFinalized deletes a flunder that waits for the finalizer of a controller.
func deleteFinalized(t *testing.T, flunders dynamic.ResourceInterface) {
	t.Helper()
	flunder := &unstructured.Unstructured{}
	flunder.SetGroupVersionKind(schema.GroupVersionKind{Group: flunderGroup, Version: "v1beta1", Kind: "Flunder"})
	flunder.SetName("kept")
	flunder.SetFinalizers([]string{"example.com/cleanup"})
	if _, err := flunders.Create(t.Context(), flunder, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := flunders.Delete(t.Context(), flunder.GetName(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// finalize removes the finalizer of the flunder, as its controller does.
func finalize(flunders dynamic.ResourceInterface) func(context.Context) error {
	return func(ctx context.Context) error {
		removal := []byte(`{"metadata":{"finalizers":null}}`)
		_, err := flunders.Patch(ctx, "kept", types.MergePatchType, removal, metav1.PatchOptions{})
		return err
	}
}

// idle is a template whose container waits for the signal to stop: the server without group-versions, which has the
// certificate of the server of an ExtensionAPI.
func idle(extensionAPI string) corev1.PodTemplateSpec {
	container := corev1.Container{
		Name: "manager", Image: faultServerImage,
		Args:         []string{"--tls-cert-file=/cert/tls.crt", "--tls-private-key-file=/cert/tls.key"},
		VolumeMounts: []corev1.VolumeMount{{Name: "cert", MountPath: "/cert"}},
	}
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		Containers: []corev1.Container{container},
		Volumes: []corev1.Volume{{Name: "cert", VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: manifests.ServingSecretName(extensionAPI)},
		}}},
	}}
	endSoon(&template.Spec)
	return template
}

// podUIDs are those of the ready Pods of the controller.
func podUIDs(ctx context.Context, t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) (uids []string) {
	t.Helper()
	controller := manifests.ControllersOf(extensionAPI)[0]
	pods, err := labelledPods(ctx, manifests.ComponentLabel, controller.Labels[manifests.ComponentLabel])
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods {
		if isReady(pod) {
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
