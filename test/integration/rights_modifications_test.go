// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

func both(one, another modification) modification {
	return func(e *v1alpha1.ExtensionAPI) {
		one(e)
		another(e)
	}
}

func withServer(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server = served(e.Name).Spec.Server
	e.Spec.Server.Namespace = byHand
}

func withExistingService(e *v1alpha1.ExtensionAPI) {
	e.Spec.ExistingService = &v1alpha1.ExistingService{
		Namespace: byHand, Name: "any", CABundle: []byte("-----BEGIN CERTIFICATE-----"),
	}
}

// Modifications of APIServices.

func addVersion(e *v1alpha1.ExtensionAPI) {
	versions := &e.Spec.Groups[0].Versions
	*versions = append(*versions, v1alpha1.APIVersion{Name: "v3"})
}

func dropVersion(e *v1alpha1.ExtensionAPI) { e.Spec.Groups[0].Versions = e.Spec.Groups[0].Versions[:1] }

func swapVersions(e *v1alpha1.ExtensionAPI) { slices.Reverse(e.Spec.Groups[0].Versions) }

// addGroup adds a group before the others, whose order has no meaning.
func addGroup(e *v1alpha1.ExtensionAPI) {
	e.Spec.Groups = append(groups(e.Name+".another.example.com", "v1"), e.Spec.Groups...)
}

func dropGroup(e *v1alpha1.ExtensionAPI) { e.Spec.Groups = e.Spec.Groups[1:] }

func swapGroups(e *v1alpha1.ExtensionAPI) { slices.Reverse(e.Spec.Groups) }

func prioritize(e *v1alpha1.ExtensionAPI) { e.Spec.Groups[0].GroupPriorityMinimum = 7 }

func prioritizeVersion(e *v1alpha1.ExtensionAPI) { e.Spec.Groups[0].Versions[0].VersionPriority = 7 }

func share(e *v1alpha1.ExtensionAPI) { e.Spec.Groups[0].Sharing = v1alpha1.SharingAllowed }

func shareNever(e *v1alpha1.ExtensionAPI) { e.Spec.Groups[0].Sharing = v1alpha1.SharingNever }

func adopt(e *v1alpha1.ExtensionAPI) { e.Spec.AdoptionPolicy = v1alpha1.AdoptionAdopt }

func adoptDry(e *v1alpha1.ExtensionAPI) { e.Spec.AdoptionPolicy = v1alpha1.AdoptionDryRun }

func nameService(e *v1alpha1.ExtensionAPI) { e.Spec.ExistingService.Name = "another" }

func renumberService(e *v1alpha1.ExtensionAPI) { e.Spec.ExistingService.Port = 8443 }

func trustMore(e *v1alpha1.ExtensionAPI) {
	e.Spec.ExistingService.CABundle = append(e.Spec.ExistingService.CABundle, '\n')
}

func trustSecretOf(name string) modification {
	return trustFrom(v1alpha1.CABundleSource{SecretRef: &v1alpha1.CABundleKeyReference{Name: name}})
}

func trustConfigMapOf(name string) modification {
	return trustFrom(v1alpha1.CABundleSource{ConfigMapRef: &v1alpha1.CABundleKeyReference{Name: name}})
}

func trustClusterBundleOf(name string) modification {
	return trustFrom(v1alpha1.CABundleSource{ClusterTrustBundleRef: &v1alpha1.ClusterTrustBundleReference{Name: name}})
}

func trustFrom(source v1alpha1.CABundleSource) modification {
	return func(e *v1alpha1.ExtensionAPI) {
		e.Spec.ExistingService.CABundle, e.Spec.ExistingService.CABundleFrom = nil, &source
	}
}

// Modifications of the server.

func replicate(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Replicas = new(int32(3)) }

func addNoFlags(e *v1alpha1.ExtensionAPI) { e.Spec.Server.ServingFlags = v1alpha1.ServingFlagsNone }

func replaceImage(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Template.Spec.Containers[0].Image = "another"
}

func renumberPort(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Port = 9443 }

func namePort(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Template.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "mine", ContainerPort: 8443}}
}

func nameAccount(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Template.Spec.ServiceAccountName = "mine" }

func nameNoAccount(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Template.Spec.ServiceAccountName = "" }

func probeOften(e *v1alpha1.ExtensionAPI) {
	e.Spec.Discovery.Interval = &metav1.Duration{Duration: time.Second}
}

func ejectNone(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.OutlierEjection = v1alpha1.PolicyDisabled
}

func exposeMetrics(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Service = &v1alpha1.ServerService{Ports: []v1alpha1.ServerServicePort{{Name: "metrics", Port: 9090}}}
}

func annotateAccount(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.ServiceAccount = &v1alpha1.ServerAccount{
		Annotations: map[string]v1alpha1.AnnotationValue{"team": "storage"},
	}
}

func labelObjects(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Metadata = &v1alpha1.ServerMetadata{Labels: map[string]v1alpha1.LabelValue{"team": "storage"}}
}

func closePorts(e *v1alpha1.ExtensionAPI) { e.Spec.Server.NetworkPolicy = v1alpha1.PolicyEnabled }

func openPorts(e *v1alpha1.ExtensionAPI) { e.Spec.Server.NetworkPolicy = v1alpha1.PolicyDisabled }

func monitor(e *v1alpha1.ExtensionAPI) { e.Spec.Server.ServiceMonitor = v1alpha1.PolicyEnabled }

func monitorNot(e *v1alpha1.ExtensionAPI) { e.Spec.Server.ServiceMonitor = v1alpha1.PolicyDisabled }

func budgetMore(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.DisruptionBudget = &v1alpha1.DisruptionBudget{
		Policy: v1alpha1.PolicyEnabled, MaxUnavailable: new(intstr.FromString("50%")),
	}
}

func unbudgeted(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.DisruptionBudget = &v1alpha1.DisruptionBudget{Policy: v1alpha1.PolicyDisabled}
}

func manage(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Certificates = &v1alpha1.Certificates{Managed: &v1alpha1.ManagedCertificates{RotateServingAfter: now()}}
}

func certify(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Certificates = &v1alpha1.Certificates{CertManager: &v1alpha1.CertManagerCertificates{
		IssuerRef: v1alpha1.CertManagerIssuer{Name: "any"},
	}}
}

func certifyElsewhere(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Certificates.CertManager.IssuerRef.Name = "another"
}

// Modifications of the storage.

func storeInEtcd(secret string) modification {
	return func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Storage = &v1alpha1.Storage{Etcd: &v1alpha1.EtcdStorage{
			Endpoints: []string{"https://etcd:2379"}, SecretRef: &v1alpha1.StorageSecretReference{Name: secret},
		}}
	}
}

func storeInSQL(secret string) modification {
	return func(e *v1alpha1.ExtensionAPI) {
		e.Spec.Server.Storage = &v1alpha1.Storage{SQL: &v1alpha1.SQLStorage{
			SecretRef: v1alpha1.StorageSecretReference{Name: secret},
		}}
	}
}

func storeAlone(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Storage = &v1alpha1.Storage{Standalone: &v1alpha1.StandaloneStorage{
		VolumeRetentionPolicy: v1alpha1.VolumeRetain,
	}}
}

func deleteVolume(e *v1alpha1.ExtensionAPI) {
	e.Spec.Server.Storage.Standalone.VolumeRetentionPolicy = v1alpha1.VolumeDelete
}

// Modifications of controllers.

func control(e *v1alpha1.ExtensionAPI) { addController(e, "flunders") }

func controlMore(e *v1alpha1.ExtensionAPI) { addController(e, "fischers") }

func addController(e *v1alpha1.ExtensionAPI, name string) {
	e.Spec.Controllers = append(e.Spec.Controllers, v1alpha1.Controller{
		Name: name, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "manager", Image: "none"}},
		}},
	})
}

func refer(e *v1alpha1.ExtensionAPI) {
	e.Spec.Controllers = append(e.Spec.Controllers, v1alpha1.Controller{
		Name: "other", DeploymentRef: &v1alpha1.ControllerDeployment{Name: "any"},
	})
}

func controlNot(e *v1alpha1.ExtensionAPI) { e.Spec.Controllers = nil }

func replaceControllerImage(e *v1alpha1.ExtensionAPI) {
	e.Spec.Controllers[0].Template.Spec.Containers[0].Image = "another"
}

func replicateController(e *v1alpha1.ExtensionAPI) { e.Spec.Controllers[0].Replicas = new(int32(2)) }

func annotateControllerAccount(e *v1alpha1.ExtensionAPI) {
	e.Spec.Controllers[0].ServiceAccount = &v1alpha1.ServerAccount{
		Annotations: map[string]v1alpha1.AnnotationValue{"example.com/role": "writer"},
	}
}

func nameControllerAccount(e *v1alpha1.ExtensionAPI) {
	e.Spec.Controllers[0].Template.Spec.ServiceAccountName = "mine"
}

func nameNoControllerAccount(e *v1alpha1.ExtensionAPI) {
	e.Spec.Controllers[0].Template.Spec.ServiceAccountName = ""
}

// Modifications of the lifecycle.

func suspendIt(e *v1alpha1.ExtensionAPI) { e.Spec.Suspend = true }

func resumeIt(e *v1alpha1.ExtensionAPI) { e.Spec.Suspend = false }

func orphan(e *v1alpha1.ExtensionAPI) { e.Spec.DeletionPolicy = v1alpha1.DeletionOrphan }

func deleteNotOrphan(e *v1alpha1.ExtensionAPI) { e.Spec.DeletionPolicy = v1alpha1.DeletionDelete }

func giveOwner(e *v1alpha1.ExtensionAPI) {
	e.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Namespace", Name: "none", UID: "none"}}
}

func label(e *v1alpha1.ExtensionAPI) { e.Labels, e.Annotations = otherLabels, otherLabels }

const otherFinalizer = "example.com/other"

func finalize(e *v1alpha1.ExtensionAPI) { e.Finalizers = append(e.Finalizers, otherFinalizer) }
