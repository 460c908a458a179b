// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// What servers store in etcd and in a database, and what survives which failure, is tested end to end: there is no
// kubelet here.

func TestAStandaloneEtcdIsStartedWithItsServerAndStoppedAfterIt(t *testing.T) {
	t.Parallel()
	const name = "standalone"
	startStandalone(t, name)
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageStarting,
		"waiting for the Pod of StatefulSet standalone-etcd to become ready"))
	wanted := append(ownedObjects(name), "Secret standalone/standalone-storage", "Service standalone/standalone-etcd",
		"Secret "+operatorNamespace+"/standalone.storage-trust", "StatefulSet standalone/standalone-etcd")
	slices.Sort(wanted)
	if found := slices.Sorted(maps.Keys(objectsOf(t, name))); !slices.Equal(found, wanted) {
		t.Errorf("the operator created\n%q\nwant\n%q", found, wanted)
	}
	template := deploymentOf(t, name).Spec.Template.Spec
	if len(template.HostAliases) != 1 || template.HostAliases[0].IP != serviceAddress(t, name+"-etcd") {
		t.Errorf("the server finds its etcd by %v", template.HostAliases)
	}

	deleteNow(t, named(name))
	await(t, name, status.TerminatingStatus,
		isUnknown(v1alpha1.ConditionReady, v1alpha1.ReasonDeleting, "Deployment standalone/standalone"))
	if statefulSet := statefulSetOf(t, name); statefulSet.DeletionTimestamp != nil {
		t.Error("the etcd is stopped before the server")
	}
	remove(t, name)
}

func startStandalone(t *testing.T, name string) {
	t.Helper()
	createNamespace(t, name)
	apply(t, servedWith(name, storeAlone))
	awaitRollout(t, name)
}

func statefulSetOf(t *testing.T, name string) *appsv1.StatefulSet {
	t.Helper()
	statefulSet := &appsv1.StatefulSet{ObjectMeta: in(name, name+"-etcd")}
	resourceVersions(t, statefulSet)
	return statefulSet
}

func serviceAddress(t *testing.T, name string) string {
	t.Helper()
	service := &corev1.Service{ObjectMeta: in(strings.TrimSuffix(name, "-etcd"), name)}
	resourceVersions(t, service)
	return service.Spec.ClusterIP
}

func TestTheVolumeOfAStandaloneEtcdIsKeptUnlessItsDeletionIsRequested(t *testing.T) {
	t.Parallel()
	const name = "kept-volume"
	startStandalone(t, name)
	volume := &corev1.PersistentVolumeClaim{ObjectMeta: in(name, "data-"+name+"-etcd-0")}
	volume.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	volume.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("2Gi")}
	create(t, volume)
	change(t, named(name), deleteVolume)
	expectWarning(t, "deleting ExtensionAPI kept-volume deletes the volume of its etcd, and all objects of "+
		"kept-volume.example.com with it. To keep the volume, run this first: kubectl patch xapi kept-volume --type merge "+
		`-p '{"spec":{"server":{"storage":{"standalone":{"volumeRetentionPolicy":"Retain"}}}}}'`,
		[]string{"delete", "xapi", name})
	change(t, named(name), keepVolume)
	remove(t, name)
	resourceVersions(t, volume)
	if volume.DeletionTimestamp != nil {
		t.Error("the volume is deleted")
	}
}

func keepVolume(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Storage.Standalone.VolumeRetentionPolicy = v1alpha1.VolumeRetain
}

func TestTheVolumeIsReleasedWhenTheEtcdIsStopped(t *testing.T) {
	t.Parallel()
	const name = "released-volume"
	startStandalone(t, name)
	change(t, named(name), deleteVolume)
	await(t, name, status.InProgressStatus,
		isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonStorageStarting, ""))
	if found := retention(t, name); found != appsv1.RetainPersistentVolumeClaimRetentionPolicyType {
		t.Errorf("as long as the API is served, the volume has the policy %s", found)
	}
	deleteNow(t, named(name))
	await(t, name, status.TerminatingStatus,
		isUnknown(v1alpha1.ConditionReady, v1alpha1.ReasonDeleting, "Deployment released-volume/released-volume"))
	endForegroundDeletion(t, deploymentOf(t, name))
	await(t, name, status.TerminatingStatus,
		isUnknown(v1alpha1.ConditionReady, v1alpha1.ReasonDeleting, "the StatefulSet controller to take note"))
	if found := retention(t, name); found != appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
		t.Errorf("the volume has the policy %s", found)
	}
	remove(t, name)
}

// retention is what the StatefulSet controller does with the volume when the StatefulSet is deleted.
func retention(t *testing.T, name string) appsv1.PersistentVolumeClaimRetentionPolicyType {
	t.Helper()
	return statefulSetOf(t, name).Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted
}

func TestAnEtcdThatCannotStartIsReportedWithItsCause(t *testing.T) {
	t.Parallel()
	const name = "etcd-pod"
	startStandalone(t, name)
	statefulSet := statefulSetOf(t, name)
	pod := &corev1.Pod{
		ObjectMeta: labelled(in(name, name+"-etcd-0"), statefulSet.Spec.Template.Labels),
		Spec:       statefulSet.Spec.Template.Spec,
	}
	pod.OwnerReferences = controllerReference(statefulSet, "StatefulSet")
	// The StatefulSet controller adds the volume of the claim.
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{
		Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
	})
	createUntilCleanup(t, pod)
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
		Message: "pod has unbound immediate PersistentVolumeClaims",
	}}
	if err := plane.client.Status().Update(ctx, pod); err != nil {
		t.Fatal(err)
	}
	await(t, name, status.InProgressStatus, isFalse(v1alpha1.ConditionStorageAvailable, v1alpha1.ReasonUnschedulable,
		"pod has unbound immediate PersistentVolumeClaims"))
}

func TestADeletedEtcdIsRecreatedAndChangesOfItAreReverted(t *testing.T) {
	t.Parallel()
	const name = "drifting-etcd"
	startStandalone(t, name)
	statefulSet := statefulSetOf(t, name)
	change(t, statefulSet, func(s *appsv1.StatefulSet) { s.Spec.Replicas = new(int32(0)) })
	eventually(t, func() error {
		if replicas := *statefulSetOf(t, name).Spec.Replicas; replicas != 1 {
			return fmt.Errorf("the StatefulSet has %d replicas", replicas)
		}
		return nil
	})
	deleteNow(t, statefulSet)
	eventually(t, func() error {
		found := &appsv1.StatefulSet{}
		err := plane.client.Get(ctx, client.ObjectKeyFromObject(statefulSet), found)
		if err == nil && found.UID == statefulSet.UID {
			err = fmt.Errorf("the StatefulSet is not deleted yet")
		}
		return err
	})
}

func TestASuspendedExtensionAPIGetsNoEtcd(t *testing.T) {
	t.Parallel()
	const name = "suspended-etcd"
	createNamespace(t, name)
	apply(t, servedWith(name, both(storeAlone, suspendIt)))
	awaitThat(t, name, isSuspended().check)
	expectNothingWritten(t, name)
	if found := objectsOf(t, name); len(found) > 0 {
		t.Errorf("the operator created %v", slices.Sorted(maps.Keys(found)))
	}
}
