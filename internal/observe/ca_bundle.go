// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// Metadata of these objects is watched, and one is read at a time, so that their content is in no cache.
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=clustertrustbundles,verbs=get;list;watch

// trust reads the CA bundle that another owner keeps, and what is stored of it.
func (o *Observer) trust(ctx context.Context, s *snapshot.Snapshot) (result snapshot.Certificates, err error) {
	if result.Stored, err = o.stored(ctx, s); err != nil {
		return result, err
	}
	result.CABundle, err = o.caBundle(ctx, s.Spec.ExistingService)
	return result, err
}

func (o *Observer) caBundle(
	ctx context.Context, service *v1alpha1.ExistingService,
) (read snapshot.CABundle, err error) {
	read.Source, read.Key = manifests.CABundleSource(service)
	switch {
	case read.Source.Namespace == "":
		err = o.clusterTrustBundle(ctx, &read)
	case !o.ServerNamespaces.include(read.Source.Namespace):
		read.Unreadable = o.ServerNamespaces.unreadable(read.Source)
	case service.CABundleFrom.SecretRef != nil:
		secret, failure := o.secret(ctx, read.Source.Namespace, read.Source.Name)
		if err = failure; secret != nil {
			read.PEM, read.HasKey = secret.Data[read.Key]
			read.Exists = true
		}
	default:
		err = o.configMap(ctx, &read)
	}
	return read, err
}

func (o *Observer) configMap(ctx context.Context, read *snapshot.CABundle) error {
	configMap := &corev1.ConfigMap{}
	if err := o.Live.Get(ctx, read.Source.NamespacedName, configMap); err != nil {
		return client.IgnoreNotFound(err)
	}
	read.Exists = true
	text, inData := configMap.Data[read.Key]
	binary, inBinaryData := configMap.BinaryData[read.Key]
	read.PEM, read.HasKey = append([]byte(text), binary...), inData || inBinaryData // a key is in one of the two
	return nil
}

// clusterTrustBundle reads the version that the cluster serves.
func (o *Observer) clusterTrustBundle(ctx context.Context, read *snapshot.CABundle) error {
	for _, kind := range manifests.ClusterTrustBundleKinds {
		bundle := &unstructured.Unstructured{}
		bundle.SetGroupVersionKind(kind)
		err := o.Live.Get(ctx, read.Source.NamespacedName, bundle)
		if kinds.IsUnknown(err) {
			continue
		}
		read.Source.GroupVersionKind = kind
		if err != nil {
			return client.IgnoreNotFound(err)
		}
		text, _, err := unstructured.NestedString(bundle.Object, "spec", "trustBundle")
		read.Exists, read.HasKey, read.PEM = true, true, []byte(text)
		return err
	}
	read.Unreadable = finding.Bad(v1alpha1.ReasonClusterTrustBundlesNotServed, fmt.Sprintf(
		"%s cannot be read: the cluster serves no ClusterTrustBundles", read.Source), finding.Stalled).
		Advising("Use Kubernetes 1.37, or enable them in kube-apiserver (--feature-gates=ClusterTrustBundle=true " +
			"--runtime-config=certificates.k8s.io/v1beta1/clustertrustbundles=true), or set secretRef or configMapRef")
	return nil
}
