// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// controllersUser may create objects with the labels of the operator's.
const controllersUser = "system:kube-controller-manager"

// kubelet stands in for Kubernetes' controllers and the kubelet: each Deployment has one Pod, which is ready at once.
type kubelet struct {
	client client.WithWatch
	ports  map[string]int32
}

// startKubelet runs Deployments until ctx ends or stop is called.
func (p *controlPlane) startKubelet(ctx context.Context, apis []api) (stop func(), err error) {
	config := rest.CopyConfig(p.env.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: controllersUser, Groups: []string{"system:masters"}}
	k := &kubelet{ports: map[string]int32{}}
	if k.client, err = client.NewWithWatch(config, client.Options{Scheme: kinds.Scheme()}); err != nil {
		return nil, err
	}
	for _, served := range apis {
		k.ports[served.name] = served.port
	}
	events, err := k.client.Watch(ctx, &appsv1.DeploymentList{}, client.InNamespace(namespace))
	if err != nil {
		return nil, err
	}
	go k.run(ctx, events)
	return events.Stop, nil
}

func (k *kubelet) run(ctx context.Context, events watch.Interface) {
	for event := range events.ResultChan() {
		deployment, isDeployment := event.Object.(*appsv1.Deployment)
		if !isDeployment || deployment.Status.ObservedGeneration == deployment.Generation {
			continue
		}
		if err := k.roll(ctx, deployment); err != nil && ctx.Err() == nil {
			progress("  Deployment %s: %v", deployment.Name, err)
		}
	}
}

// roll creates what is not there yet. The first Pod serves every later template.
func (k *kubelet) roll(ctx context.Context, deployment *appsv1.Deployment) error {
	replicaSet := replicaSetOf(deployment)
	if err := k.createOrGet(ctx, replicaSet); err != nil {
		return err
	}
	pod := podOf(deployment, replicaSet)
	if err := k.createOrGet(ctx, pod); err != nil {
		return err
	}
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: endpointAddress, PodIPs: []corev1.PodIP{{IP: endpointAddress}},
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()},
		},
	}
	if err := k.client.Status().Update(ctx, pod); err != nil {
		return err
	}
	if err := k.createOrGet(ctx, k.sliceOf(deployment, pod)); err != nil {
		return err
	}
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
	}
	return k.client.Status().Update(ctx, deployment)
}

func (k *kubelet) createOrGet(ctx context.Context, object client.Object) error {
	err := k.client.Create(ctx, object)
	if client.IgnoreAlreadyExists(err) == nil && err != nil {
		return k.client.Get(ctx, client.ObjectKeyFromObject(object), object)
	}
	return err
}

func replicaSetOf(deployment *appsv1.Deployment) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		ObjectMeta: ownedBy(deployment, "Deployment", deployment.Name+"-1", deployment.Spec.Template.Labels),
		Spec: appsv1.ReplicaSetSpec{
			Replicas: new(int32(1)), Selector: deployment.Spec.Selector, Template: deployment.Spec.Template,
		},
	}
}

func podOf(deployment *appsv1.Deployment, replicaSet *appsv1.ReplicaSet) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: ownedBy(replicaSet, "ReplicaSet", deployment.Name+"-1-a", deployment.Spec.Template.Labels),
		Spec:       *deployment.Spec.Template.Spec.DeepCopy(),
	}
	pod.Annotations = deployment.Spec.Template.Annotations
	pod.Spec.NodeName = "node"
	return pod
}

func ownedBy(owner client.Object, kind, name string, labels map[string]string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, Labels: maps.Clone(labels),
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(owner, appsv1.SchemeGroupVersion.WithKind(kind))},
	}
}

// sliceOf has the labels of the Service, as the endpointslice controller copies them.
func (k *kubelet) sliceOf(deployment *appsv1.Deployment, pod *corev1.Pod) *discoveryv1.EndpointSlice {
	labels := maps.Clone(manifests.Labels(deployment.Name))
	labels[discoveryv1.LabelServiceName] = deployment.Name
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: namespace, Name: deployment.Name, Labels: labels},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{endpointAddress}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
			TargetRef: &corev1.ObjectReference{Kind: "Pod", Namespace: namespace, Name: pod.Name, UID: pod.UID},
		}},
		Ports: []discoveryv1.EndpointPort{{Name: new("https"), Port: new(k.ports[deployment.Name])}},
	}
}
