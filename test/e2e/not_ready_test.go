// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// recovered is the time limit for the recovery from a cause, of which a container's restart backoff is the longest
// part.
const recovered = 3 * time.Minute

// causeKnown is the time limit for the cause to be reported; how long it took is printed.
const causeKnown = 2 * time.Minute

// brokenTemplates are templates whose Pods do not become ready, and how ServerAvailable names the cause.
var brokenTemplates = map[string]struct {
	change        func(*corev1.PodSpec)
	reason, words string
}{
	"secret-missing": {
		func(pod *corev1.PodSpec) {
			mountVolume(pod, corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "nowhere"}})
		},
		v1alpha1.ReasonFailedMount, `secret "nowhere" not found`,
	},
	"configmap-missing": {
		func(pod *corev1.PodSpec) {
			mountVolume(pod, corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "nowhere"},
			}})
		},
		v1alpha1.ReasonFailedMount, `configmap "nowhere" not found`,
	},
	"volume-forbidden": {
		func(pod *corev1.PodSpec) {
			mountVolume(pod, corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
				Path: "/nowhere", Type: ptr.To(corev1.HostPathDirectory),
			}})
		},
		v1alpha1.ReasonFailedCreate, `violates PodSecurity "restricted:latest"`,
	},
	"driver-missing": {
		func(pod *corev1.PodSpec) {
			mountVolume(pod, corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{Driver: "nowhere.example.com"}})
		},
		v1alpha1.ReasonFailedMount, "nowhere.example.com not found",
	},
	"claim-missing": {
		func(pod *corev1.PodSpec) {
			mountVolume(pod, corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{
				ClaimName: "nowhere",
			}})
		},
		v1alpha1.ReasonUnschedulable, `persistentvolumeclaim "nowhere" not found`,
	},
	"environment-missing": {
		func(pod *corev1.PodSpec) {
			pod.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "nowhere"},
			}}}
		},
		v1alpha1.ReasonCreateContainerError, `configmap "nowhere" not found`,
	},
	"program-missing": {
		func(pod *corev1.PodSpec) { pod.Containers[0].Command = []string{"/nowhere"} },
		v1alpha1.ReasonCreateContainerError, "/nowhere",
	},
	"image-missing": {
		func(pod *corev1.PodSpec) { pod.Containers[0].Image = "extensionapi.dev/nowhere:v1" },
		v1alpha1.ReasonImagePullBackOff, "extensionapi.dev/nowhere:v1",
	},
	"flag-unknown": {
		func(pod *corev1.PodSpec) { pod.Containers[0].Args = append(pod.Containers[0].Args, "--nowhere") },
		v1alpha1.ReasonCrashLoopBackOff, "exit code 2 (Error)",
	},
	"exits": {
		func(pod *corev1.PodSpec) { pod.Containers[0].Args = append(pod.Containers[0].Args, "--help") },
		v1alpha1.ReasonCrashLoopBackOff, "exit code 0 (Completed). The process completed by itself",
	},
	"out-of-memory": {
		func(pod *corev1.PodSpec) {
			pod.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("8Mi")}
		},
		v1alpha1.ReasonCrashLoopBackOff, "Raise its memory limit",
	},
	"account-missing": {
		func(pod *corev1.PodSpec) { pod.ServiceAccountName = "nowhere" },
		v1alpha1.ReasonFailedCreate, "Create the ServiceAccount",
	},
	"node-missing": {
		func(pod *corev1.PodSpec) { pod.NodeSelector = map[string]string{"nowhere": ""} },
		v1alpha1.ReasonUnschedulable, "0/1 nodes are available",
	},
	"runtime-missing": {
		func(pod *corev1.PodSpec) { pod.RuntimeClassName = new(nowhereRuntime) },
		v1alpha1.ReasonFailedCreatePodSandBox, nowhereRuntime,
	},
	"wrong-path": {
		func(pod *corev1.PodSpec) { pod.Containers[0].ReadinessProbe = probeOf("/nowhere", 8443) },
		v1alpha1.ReasonUnhealthy, "Readiness probe failed: HTTP probe failed with statuscode: 404",
	},
	"wrong-port": {
		func(pod *corev1.PodSpec) {
			pod.Containers[0].StartupProbe = probeOf("/readyz", 9443)
			pod.Containers[0].StartupProbe.FailureThreshold = 120 // or the kubelet restarts the container at once
		},
		v1alpha1.ReasonUnhealthy, "connection refused",
	},
	"init-unfinished": {
		func(pod *corev1.PodSpec) {
			waiting := *pod.Containers[0].DeepCopy()
			waiting.Name, waiting.Lifecycle = "waits", nil
			waiting.Args = append(waiting.Args, "--tls-cert-file="+servedCertificate, "--tls-private-key-file="+servedKey)
			waiting.VolumeMounts = []corev1.VolumeMount{{Name: "serving-cert", MountPath: "/var/run/extensionapi/serving-cert"}}
			pod.InitContainers = []corev1.Container{waiting}
		},
		v1alpha1.ReasonUnhealthy, "its condition Initialized is False: containers with incomplete status: [waits]",
	},
	"gate-unset": {
		func(pod *corev1.PodSpec) {
			pod.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/gate"}}
		},
		v1alpha1.ReasonUnhealthy, "example.com/gate",
	},
}

const (
	nowhereRuntime    = "e2e-nowhere"
	servedCertificate = "/var/run/extensionapi/serving-cert/tls.crt"
	servedKey         = "/var/run/extensionapi/serving-cert/tls.key"
)

func TestThePodThatCannotBecomeReadyIsReportedWithItsCause(t *testing.T) {
	t.Parallel()
	createObject(t, &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: nowhereRuntime}, Handler: nowhereRuntime})
	t.Run("cause", func(t *testing.T) {
		for name, broken := range brokenTemplates {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				extensionAPI := faultServerAPI("unready-"+name, name+".unready.example.com", "v1")
				extensionAPI.Spec.Server.Replicas = ptr.To[int32](1)
				pod := &extensionAPI.Spec.Server.Template.Spec
				whole := pod.DeepCopy()
				broken.change(pod)
				createUntilCleanup(t, extensionAPI)
				reported := eventually(t, causeKnown,
					reportsServer(extensionAPI, metav1.ConditionFalse, broken.reason, broken.words))
				change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.Server.Template.Spec = *whole })
				cleared := eventually(t, recovered,
					reportsServer(extensionAPI, metav1.ConditionTrue, v1alpha1.ReasonReplicasAvailable, ""))
				progress("%s: %s was reported after %s, and its recovery after %s", name, broken.reason, reported, cleared)
			})
		}
	})
}

// failingChecks are checks of /readyz that fail in a server that was ready, and the advice.
var failingChecks = map[string]struct{ check, words string }{
	"storage":     {"etcd", "fails its checks etcd. Check whether its storage runs"},
	"informers":   {"informer-sync", "Check the permissions of its ServiceAccount"},
	"flowcontrol": {"poststarthook/priority-and-fairness-config-producer", "--enable-priority-and-fairness=false"},
}

func TestAReplicaThatIsNotReadyAnyMoreIsReportedWithItsCause(t *testing.T) {
	t.Parallel()
	for name, failing := range failingChecks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFaultServer(t, fault{name: "outage-" + name})
			behave(t, server.pods[0], behaviour{FailedChecks: []string{failing.check}})
			reported := eventually(t, causeKnown,
				reportsServer(server.ExtensionAPI, metav1.ConditionTrue, v1alpha1.ReasonUnhealthy, failing.words))
			behave(t, server.pods[0], behaviour{})
			cleared := eventually(t, recovered, isHealthy(server.ExtensionAPI))
			progress("%s: %s was reported after %s, and its recovery after %s", name, failing.check, reported, cleared)
		})
	}
}

func TestAReplicaThatHangsIsNamed(t *testing.T) {
	t.Parallel()
	server := startFaultServer(t, fault{name: "outage-hangs"})
	hung := server.pods[0]
	resume := stop(t, hung)
	t.Cleanup(resume)
	// The readiness probe fails after three timeouts of 5 s. What the reason is depends on whether its Event is there.
	named := eventually(t, soon, func(ctx context.Context) error {
		current, err := currently(ctx, server.ExtensionAPI)
		is := conditionOf(current, v1alpha1.ConditionServerAvailable)
		if err == nil && (is.Status != metav1.ConditionTrue || !strings.Contains(is.Message, "Pod "+hung.Name+" ")) {
			err = fmt.Errorf("want ServerAvailable=True with Pod %s, have %s", hung.Name, describe(current))
		}
		return err
	})
	resume()
	cleared := eventually(t, recovered, isHealthy(server.ExtensionAPI))
	progress("a replica that hangs was named after %s, and its recovery reported after %s", named, cleared)
}

// All servers of the sample store their objects in this etcd, so no other test runs in parallel.
func TestAServerWithoutItsStorageIsReportedWithTheFailingCheck(t *testing.T) {
	extensionAPI := wardle(t, sampleNamespace)
	// It fails as well, and would restart the container before the cause is known on a busy machine.
	liveness := probeOf("/livez", 8443)
	liveness.FailureThreshold = 600
	container(&extensionAPI.Spec).LivenessProbe = liveness
	create(t, extensionAPI)
	eventually(t, time.Minute, isHealthy(extensionAPI))
	t.Cleanup(func() { scaleStorage(t, 1) })
	scaleStorage(t, 0)
	reported := eventually(t, causeKnown,
		reportsServer(extensionAPI, metav1.ConditionFalse, v1alpha1.ReasonUnhealthy, "GET /readyz fails its checks etcd"))
	scaleStorage(t, 1)
	cleared := eventually(t, recovered, isHealthy(extensionAPI))
	eventually(t, soon, served("v1beta1", "v1alpha1"))
	progress("the missing storage was reported after %s, and its recovery after %s", reported, cleared)
}

// scaleStorage scales the sample's etcd; it also works in cleanups.
func scaleStorage(t *testing.T, replicas int) {
	t.Helper()
	_, err := output(context.WithoutCancel(t.Context()), "kubectl", "scale", "deployment/etcd",
		"--namespace", sampleNamespace, "--replicas", strconv.Itoa(replicas))
	if err != nil {
		t.Error(err)
	}
}

// reportsServer succeeds when ServerAvailable has the status, the reason and the words.
func reportsServer(
	extensionAPI *v1alpha1.ExtensionAPI, status metav1.ConditionStatus, reason, words string,
) func(context.Context) error {
	return is(extensionAPI, v1alpha1.ConditionServerAvailable, status, reason, words)
}

func mountVolume(pod *corev1.PodSpec, source corev1.VolumeSource) {
	pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "extra", VolumeSource: source})
	mounts := &pod.Containers[0].VolumeMounts
	*mounts = append(*mounts, corev1.VolumeMount{Name: "extra", MountPath: "/extra"})
}

func probeOf(path string, port int32) *corev1.Probe {
	return &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
		Path: path, Port: intstr.FromInt32(port), Scheme: corev1.URISchemeHTTPS,
	}}}
}
