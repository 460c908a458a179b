// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// +kubebuilder:rbac:groups="",resources=serviceaccounts;services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterrolebindings;rolebindings,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=clusterroles,resourceNames=system:auth-delegator;extensionapi-operator:extension-apiserver,verbs=bind
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles,resourceNames=extension-apiserver-authentication-reader,verbs=bind

// reconcileServer runs the server and tells how it fares.
func (r *Reconciler) reconcileServer(ctx context.Context, s *scope) error {
	if s.Spec.Server == nil || s.namespace != namespaceActive {
		return nil
	}
	if err := r.applyServer(ctx, s); err != nil {
		v, err := writeVerdict(err)
		s.conclude(v1alpha1.ConditionServerAvailable, v)
		s.requeueAfter(refusalRetry)
		return err
	}
	deployment := &appsv1.Deployment{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: s.Name}, deployment)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	pods := &corev1.PodList{}
	err = r.Client.List(ctx, pods, client.InNamespace(s.Spec.Server.Namespace),
		client.MatchingLabels(manifests.Labels(s.Name)))
	if err != nil {
		return err
	}
	v := serverVerdict(deployment, pods.Items, manifests.Replicas(s.ExtensionAPI))
	s.conclude(v1alpha1.ConditionServerAvailable, v)
	return nil
}

// applyServer writes the server's objects, the Deployment last: its Pods need the others.
func (r *Reconciler) applyServer(ctx context.Context, s *scope) error {
	deployment, err := manifests.Deployment(s.ExtensionAPI)
	if err != nil {
		return err
	}
	if err := r.applyServiceAccount(ctx, s); err != nil {
		return err
	}
	for _, object := range []runtime.ApplyConfiguration{
		manifests.AuthDelegatorBinding(s.ExtensionAPI),
		manifests.AuthReaderBinding(s.ExtensionAPI),
		manifests.ServerBinding(s.ExtensionAPI),
		manifests.Service(s.ExtensionAPI),
		manifests.PodDisruptionBudget(s.ExtensionAPI),
		deployment,
	} {
		if err := r.Applier.Apply(ctx, object); err != nil {
			return err
		}
	}
	return nil
}

// applyServiceAccount removes the operator's ServiceAccount when the template has come to name another one.
func (r *Reconciler) applyServiceAccount(ctx context.Context, s *scope) error {
	if account := manifests.ServiceAccount(s.ExtensionAPI); account != nil {
		return r.Applier.Apply(ctx, account)
	}
	key := client.ObjectKey{Namespace: s.Spec.Server.Namespace, Name: s.Name}
	cached := metadataOf(corev1.SchemeGroupVersion.WithKind("ServiceAccount"))
	if err := r.Client.Get(ctx, key, cached); apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return err
	}
	_, err := r.Applier.Delete(ctx, cached.GroupVersionKind(), key, s.Name)
	return err
}
