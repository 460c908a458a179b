// SPDX-License-Identifier: Apache-2.0

package trim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// readMetadata returns all metadata that is read.
func readMetadata() metav1.ObjectMeta {
	now := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	return metav1.ObjectMeta{
		Namespace: "shop", Name: "shop", UID: "1", ResourceVersion: "2", Generation: 3, CreationTimestamp: now,
		DeletionTimestamp: &now, DeletionGracePeriodSeconds: new(int64(30)),
		Labels: map[string]string{
			"aggregation.extensionapi.dev/extensionapi": "shop", "aggregation.extensionapi.dev/serving": "true",
			"app.kubernetes.io/managed-by": "extensionapi-operator", "pod-template-hash": "abc",
			"kubernetes.io/service-name": "shop",
		},
		Annotations:     map[string]string{"aggregation.extensionapi.dev/ejected": "2026-01-01T00:00:00Z slow"},
		OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "shop", UID: "4", Controller: new(true)}},
	}
}

// readOfAPIService returns the metadata that is read of an APIService, which may have other owners.
func readOfAPIService() metav1.ObjectMeta {
	read := readMetadata()
	maps.Copy(read.Labels, map[string]string{
		"kube-aggregator.kubernetes.io/automanaged": "true", "olm.owner": "shop.v1", "operators.coreos.com/shop": "",
	})
	maps.Copy(read.Annotations, map[string]string{
		"meta.helm.sh/release-name": "shop", "cert-manager.io/inject-ca-from": "shop/shop",
		"service.beta.openshift.io/inject-cabundle": "true",
	})
	read.OwnerReferences = append(read.OwnerReferences, metav1.OwnerReference{Kind: "Namespace", Name: "shop", UID: "5"})
	read.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: ownership.FieldOwner, Operation: metav1.ManagedFieldsOperationApply},
		{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationUpdate, Time: &read.CreationTimestamp},
	}
	return read
}

// readOfNamespace returns all that is read of a namespace, which is being deleted.
func readOfNamespace() *corev1.Namespace {
	read := &corev1.Namespace{ObjectMeta: readMetadata()}
	read.Annotations["openshift.io/sa.scc.uid-range"] = "1000650000/10000"
	read.Status.Conditions = []corev1.NamespaceCondition{{
		Type: corev1.NamespaceDeletionDiscoveryFailure, Status: corev1.ConditionTrue,
		LastTransitionTime: read.CreationTimestamp, Message: "Discovery failed for some groups",
	}}
	return read
}

// readObjects returns one object of each kind with all fields that are read.
func readObjects() map[string]client.Object {
	metadata := readMetadata()
	finalized := readMetadata()
	finalized.Finalizers = []string{"aggregation.extensionapi.dev/teardown"}
	replicaSet := &appsv1.ReplicaSet{ObjectMeta: metadata}
	replicaSet.Spec.Template.Spec.ServiceAccountName = "shop"
	ended := &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
	foreign := &corev1.ContainerStateTerminated{ExitCode: 255, Reason: "Error", Message: "exec format error"}
	return map[string]client.Object{
		"metadata alone": &metav1.PartialObjectMetadata{ObjectMeta: metadata},
		"Namespace":      readOfNamespace(),
		"ExtensionAPI": &v1alpha1.ExtensionAPI{
			ObjectMeta: finalized, Spec: v1alpha1.ExtensionAPISpec{Suspend: true},
		},
		"APIService": &apiregistrationv1.APIService{
			ObjectMeta: readOfAPIService(),
			Spec:       apiregistrationv1.APIServiceSpec{Group: "shop.example.com", CABundle: []byte("ca")},
			Status: apiregistrationv1.APIServiceStatus{
				Conditions: []apiregistrationv1.APIServiceCondition{{Type: apiregistrationv1.Available}},
			},
		},
		"Deployment": &appsv1.Deployment{
			ObjectMeta: metadata, Spec: appsv1.DeploymentSpec{Replicas: new(int32(2)), Paused: true},
			Status: appsv1.DeploymentStatus{AvailableReplicas: 1},
		},
		"ReplicaSet": replicaSet,
		"Service": &corev1.Service{ObjectMeta: metadata, Spec: corev1.ServiceSpec{
			Type: corev1.ServiceTypeClusterIP, ClusterIP: "10.0.0.1", ExternalName: "shop.example.com",
			Ports: []corev1.ServicePort{{Name: "https", Protocol: corev1.ProtocolTCP, Port: 443}},
		}},
		"EndpointSlice": &discoveryv1.EndpointSlice{
			ObjectMeta: metadata, AddressType: discoveryv1.AddressTypeIPv4,
			Ports: []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(8443))}},
			Endpoints: []discoveryv1.Endpoint{{
				Addresses: []string{"10.1.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
				TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "shop-1"},
			}},
		},
		"Pod": &corev1.Pod{
			ObjectMeta: metadata,
			Spec: corev1.PodSpec{
				NodeName: "node", ServiceAccountName: "shop",
				Containers: []corev1.Container{{
					Name:  v1alpha1.ServerContainer,
					Ports: []corev1.ContainerPort{{Name: "extension-api", ContainerPort: 8443}},
				}},
			},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, PodIP: "10.1.0.1", PodIPs: []corev1.PodIP{{IP: "10.1.0.1"}, {IP: "fd00::1"}},
				Conditions: []corev1.PodCondition{{
					Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady", Message: "unready",
				}, {
					Type: corev1.PodInitialized, Status: corev1.ConditionFalse, Reason: "ContainersNotInitialized",
				}},
				InitContainerStatuses: []corev1.ContainerStatus{{
					Name: "init", State: corev1.ContainerState{Terminated: foreign.DeepCopy()},
					LastTerminationState: corev1.ContainerState{Terminated: ended},
				}},
				ContainerStatuses: []corev1.ContainerStatus{{Name: "apiserver", Ready: true, State: corev1.ContainerState{
					Running:    &corev1.ContainerStateRunning{StartedAt: metadata.CreationTimestamp},
					Waiting:    &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "not found"},
					Terminated: ended,
				}}},
			},
		},
	}
}

// addUnread adds fields that any user may set, to an object of any kind.
func addUnread(object client.Object) {
	for i := range 2000 {
		object.GetLabels()[fmt.Sprint("label-", i)] = "litter"
		object.SetManagedFields(append(object.GetManagedFields(), metav1.ManagedFieldsEntry{
			Manager: fmt.Sprint("manager-", i), Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{}}`),
		}))
	}
	object.GetAnnotations()["litter"] = strings.Repeat("x", 250_000)
	if _, keepsFinalizers := object.(*v1alpha1.ExtensionAPI); !keepsFinalizers {
		object.SetFinalizers([]string{"example.com/litter"})
	}
	switch full := object.(type) {
	case *appsv1.Deployment:
		full.Spec.Template.Annotations = map[string]string{"litter": "x"}
		full.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"litter": "x"}}
	case *appsv1.ReplicaSet:
		full.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "litter"}}
		full.Status.Conditions = []appsv1.ReplicaSetCondition{{Message: "litter"}}
	case *corev1.Service:
		full.Spec.Ports[0].TargetPort, full.Spec.Selector = intstr.FromInt32(1), map[string]string{"litter": "x"}
		full.Status.Conditions = []metav1.Condition{{Message: "litter"}}
	case *discoveryv1.EndpointSlice:
		full.Endpoints[0].Addresses = append(full.Endpoints[0].Addresses, "10.9.9.9")
		full.Endpoints[0].Hints = &discoveryv1.EndpointHints{ForZones: []discoveryv1.ForZone{{Name: "litter"}}}
	case *corev1.Pod:
		addUnreadToPod(full)
	case *corev1.Namespace:
		full.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
		full.Status.Phase = corev1.NamespaceTerminating
		full.Status.Conditions[0].Reason = "DiscoveryFailed"
		full.Status.Conditions = append(full.Status.Conditions,
			corev1.NamespaceCondition{Type: corev1.NamespaceDeletionContentFailure, Status: corev1.ConditionFalse},
			corev1.NamespaceCondition{Type: corev1.NamespaceFinalizersRemaining, Status: corev1.ConditionTrue},
			corev1.NamespaceCondition{Type: "Litter", Status: corev1.ConditionTrue})
	}
}

func addUnreadToPod(full *corev1.Pod) {
	full.Spec.Volumes = []corev1.Volume{{Name: "litter"}}
	full.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "litter"}}
	full.Spec.Containers = append([]corev1.Container{{Name: "sidecar"}}, full.Spec.Containers...)
	full.Status.Conditions = append(full.Status.Conditions, corev1.PodCondition{Type: "Litter"})
	full.Status.ContainerStatuses[0].State.Terminated.Message = "my password is 1234"
	full.Status.InitContainerStatuses[0].State.Terminated.Message = "exec /my-password-is-1234: exec format error"
	full.Status.InitContainerStatuses[0].LastTerminationState.Terminated.Message = "my password is 1234"
}

func TestOnlyReadFieldsAreKept(t *testing.T) {
	wanted := readObjects()
	for kind, object := range readObjects() {
		t.Run(kind, func(t *testing.T) {
			addUnread(object)
			for range 2 { // client-go may trim an object more than once
				if _, err := Object(object); err != nil {
					t.Fatal(err)
				}
			}
			if !equality.Semantic.DeepEqual(object, wanted[kind]) {
				t.Errorf("kept\n%s\ninstead of\n%s", toJSON(t, object), toJSON(t, wanted[kind]))
			}
		})
	}
}

// Fields that are read are bounded, too, since Kubernetes does not limit their length.
func TestLargeObjectsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	metadata := metav1.ObjectMeta{Labels: map[string]string{}, Annotations: map[string]string{}}
	for i := range 5000 {
		metadata.Labels[fmt.Sprint("olm.", i)] = "x"
		metadata.Annotations[fmt.Sprint("aggregation.extensionapi.dev/", i)] = long
		metadata.OwnerReferences = append(metadata.OwnerReferences, metav1.OwnerReference{Kind: long, Name: long})
	}
	server := corev1.Container{Name: v1alpha1.ServerContainer}
	pod := &corev1.Pod{ObjectMeta: metadata}
	namespace := &corev1.Namespace{ObjectMeta: metadata}
	namespace.DeletionTimestamp = new(metav1.Now())
	namespace.Status.Conditions = []corev1.NamespaceCondition{{
		Type: corev1.NamespaceDeletionContentFailure, Status: corev1.ConditionTrue, Message: long,
	}}
	service := &corev1.Service{ObjectMeta: metadata}
	endpointSlice := &discoveryv1.EndpointSlice{ObjectMeta: metadata, Endpoints: []discoveryv1.Endpoint{{
		Addresses: []string{"fd00:1234:5678:9abc:def0:1234:5678:9abc"},
		TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "shop-5d9c7b6f4-abcde"},
	}}}
	for i := range 5000 {
		name, port := fmt.Sprint(i), int32(i)
		server.Ports = append(server.Ports, corev1.ContainerPort{Name: name, ContainerPort: port})
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{Name: name})
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{Name: name, Port: port})
		endpointSlice.Ports = append(endpointSlice.Ports, discoveryv1.EndpointPort{Name: &name, Port: &port})
	}
	pod.Spec.Containers = []corev1.Container{server}
	endpointSlice.Endpoints = slices.Repeat(endpointSlice.Endpoints, 1000)
	for object, limit := range map[client.Object]int{
		&metav1.PartialObjectMetadata{ObjectMeta: metadata}: 8 << 10,
		namespace: 8 << 10,
		&v1alpha1.ExtensionAPI{ObjectMeta: metadata}: 8 << 10,
		&appsv1.Deployment{ObjectMeta: metadata}:     8 << 10,
		&appsv1.ReplicaSet{ObjectMeta: metadata}:     8 << 10,
		pod:                                          16 << 10,
		service:                                      16 << 10,
		endpointSlice:                                64 << 10,
		// Only users who may register APIs for the whole cluster may create one of these.
		&apiregistrationv1.APIService{ObjectMeta: metadata}: 128 << 10,
	} {
		if _, err := Object(object); err != nil {
			t.Fatal(err)
		}
		if size := len(toJSON(t, object)); size > limit {
			t.Errorf("%T has %d bytes left, more than %d", object, size, limit)
		}
	}
}

func TestOfANamespaceThatIsNotBeingDeletedNoConditionIsKept(t *testing.T) {
	namespace := readOfNamespace()
	namespace.DeletionTimestamp = nil
	if _, err := Object(namespace); err != nil || namespace.Status.Conditions != nil {
		t.Errorf("kept are %v (%v)", namespace.Status.Conditions, err)
	}
}

func TestControllerIsKeptAmongManyOwners(t *testing.T) {
	full := &metav1.ObjectMeta{OwnerReferences: make([]metav1.OwnerReference, 100)}
	full.OwnerReferences[99] = metav1.OwnerReference{UID: "controller", Controller: new(true)}
	for _, kept := range []metav1.ObjectMeta{metadata(full), withMarks(full)} {
		if controller := metav1.GetControllerOf(&kept); controller == nil || controller.UID != "controller" {
			t.Errorf("the controller is %v", controller)
		}
	}
}

func toJSON(t *testing.T, object any) string {
	t.Helper()
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}
