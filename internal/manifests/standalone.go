// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"fmt"
	"net/netip"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	apps "k8s.io/client-go/applyconfigurations/apps/v1"
	core "k8s.io/client-go/applyconfigurations/core/v1"
	meta "k8s.io/client-go/applyconfigurations/meta/v1"
	networking "k8s.io/client-go/applyconfigurations/networking/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// EtcdComponent is the value of ComponentLabel on the objects that run a standalone etcd.
	EtcdComponent = "etcd"
	// EtcdPort is for clients.
	EtcdPort = 2379

	etcdPeerPort    = 2380
	etcdMetricsPort = 2381
	etcdVolume      = "data"
	etcdPath        = "/var/lib/etcd"
	// etcdSnapshot is the snapshot of when the member last stopped.
	etcdSnapshot = etcdPath + "/snapshot.db"

	defaultEtcdSize = "2Gi"
	// etcdLogs is what etcd writes beside its database: segments of its write-ahead log of 64 MB, of which it keeps 5.
	etcdLogs = 512 << 20
	// maxEtcdQuota is the largest that etcd recommends.
	maxEtcdQuota = 8 << 30
	// etcdGracePeriod is for a snapshot of that size, in seconds.
	etcdGracePeriod = 300
)

// StandaloneName returns the name of StatefulSet, Service and NetworkPolicy of a standalone etcd.
func StandaloneName(name string) string { return name + "-etcd" }

// StandaloneHost returns the DNS name that clients verify the certificate of a standalone etcd for.
func StandaloneHost(server types.NamespacedName) string {
	return StandaloneName(server.Name) + "." + server.Namespace + ".svc"
}

// StandaloneURL is where the server connects to.
func StandaloneURL(server types.NamespacedName) string {
	return fmt.Sprintf("https://%s:%d", StandaloneHost(server), EtcdPort)
}

// StandaloneNames are the names that the certificate of a standalone etcd is issued for; the first is StandaloneHost.
func StandaloneNames(server types.NamespacedName) []string {
	host := StandaloneHost(server)
	return []string{host, host + ".cluster.local", "localhost"}
}

// StandaloneLabels select the Pod of a standalone etcd.
func StandaloneLabels(name string) map[string]string {
	return map[string]string{OwnerLabel: name, ComponentLabel: EtcdComponent}
}

// StandaloneQuota is the size of the database from which on etcd refuses writes. Beside the database, the volume holds
// the last snapshot, and a copy of the size of the database while that is defragmented or the next snapshot is written.
func StandaloneQuota(standalone *v1alpha1.StandaloneStorage) int64 {
	size := ptr.Deref(standalone.Size, resource.MustParse(defaultEtcdSize))
	return min((size.Value()-etcdLogs)/3, maxEtcdQuota)
}

// StandaloneService is the address of a standalone etcd.
func StandaloneService(extensionAPI *v1alpha1.ExtensionAPI) *core.ServiceApplyConfiguration {
	return core.Service(StandaloneName(extensionAPI.Name), extensionAPI.Spec.Server.Namespace).
		WithLabels(workloadLabels(extensionAPI, StandaloneLabels(extensionAPI.Name))).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(core.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(StandaloneLabels(extensionAPI.Name)).
			WithPorts(core.ServicePort().
				WithName("client").
				WithProtocol(corev1.ProtocolTCP).
				WithPort(EtcdPort).
				WithTargetPort(intstr.FromString("client"))))
}

// StandaloneNetworkPolicy denies ingress to all ports of a standalone etcd but that for clients, whom it authenticates.
func StandaloneNetworkPolicy(extensionAPI *v1alpha1.ExtensionAPI) *networking.NetworkPolicyApplyConfiguration {
	return networking.NetworkPolicy(StandaloneName(extensionAPI.Name), extensionAPI.Spec.Server.Namespace).
		WithLabels(workloadLabels(extensionAPI, StandaloneLabels(extensionAPI.Name))).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(networking.NetworkPolicySpec().
			WithPodSelector(meta.LabelSelector().WithMatchLabels(StandaloneLabels(extensionAPI.Name))).
			WithPolicyTypes(networkingv1.PolicyTypeIngress).
			WithIngress(networking.NetworkPolicyIngressRule().WithPorts(networking.NetworkPolicyPort().
				WithProtocol(corev1.ProtocolTCP).
				WithPort(intstr.FromString("client")))))
}

// StatefulSet runs a standalone etcd: a StatefulSet never has two Pods with the same volume.
func StatefulSet(
	extensionAPI *v1alpha1.ExtensionAPI, observed Observed,
) (*apps.StatefulSetApplyConfiguration, error) {
	standalone := extensionAPI.Spec.Server.Storage.Standalone
	template := &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      StandaloneLabels(extensionAPI.Name),
			Annotations: map[string]string{StorageRevisionAnnotation: observed.Storage.Revision},
		},
		Spec: etcdPod(extensionAPI, observed),
	}
	encoded, err := applyTemplate(template)
	if err != nil {
		return nil, err
	}
	claim := core.PersistentVolumeClaim(etcdVolume, "").WithSpec(core.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithResources(core.VolumeResourceRequirements().WithRequests(corev1.ResourceList{
			corev1.ResourceStorage: ptr.Deref(standalone.Size, resource.MustParse(defaultEtcdSize)),
		})))
	claim.Namespace = nil
	claim.Spec.StorageClassName = standalone.StorageClassName
	return apps.StatefulSet(StandaloneName(extensionAPI.Name), extensionAPI.Spec.Server.Namespace).
		WithLabels(workloadLabels(extensionAPI, StandaloneLabels(extensionAPI.Name))).
		WithAnnotations(objectAnnotations(extensionAPI)).
		WithSpec(apps.StatefulSetSpec().
			WithReplicas(1).
			WithServiceName(StandaloneName(extensionAPI.Name)).
			// With OrderedReady, a Pod that cannot become ready would never be replaced.
			WithPodManagementPolicy(appsv1.ParallelPodManagement).
			WithSelector(meta.LabelSelector().WithMatchLabels(StandaloneLabels(extensionAPI.Name))).
			// As long as the ExtensionAPI exists, whatever is to happen when it is deleted.
			WithPersistentVolumeClaimRetentionPolicy(apps.StatefulSetPersistentVolumeClaimRetentionPolicy().
				WithWhenDeleted(appsv1.RetainPersistentVolumeClaimRetentionPolicyType).
				WithWhenScaled(appsv1.RetainPersistentVolumeClaimRetentionPolicyType)).
			WithVolumeClaimTemplates(claim).
			WithTemplate(encoded)), nil
}

func etcdPod(extensionAPI *v1alpha1.ExtensionAPI, observed Observed) corev1.PodSpec {
	pod := corev1.PodSpec{
		AutomountServiceAccountToken:  new(false),
		EnableServiceLinks:            new(false),
		TerminationGracePeriodSeconds: new(int64(etcdGracePeriod)),
		Containers:                    []corev1.Container{etcdContainer(extensionAPI, observed)},
		Volumes: []corev1.Volume{{Name: storageVolume, VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: StorageSecretName(extensionAPI.Name)},
		}}},
	}
	fillSecurity(&pod, observed.AssignsUsers)
	// Otherwise the kubelet changes the mode of each file whenever the member is started.
	pod.SecurityContext.FSGroupChangePolicy = new(corev1.FSGroupChangeOnRootMismatch)
	return pod
}

func etcdContainer(extensionAPI *v1alpha1.ExtensionAPI, observed Observed) corev1.Container {
	container := corev1.Container{
		Name:  "etcd",
		Image: observed.Images.Etcd,
		// Images have the programs in different places.
		Env:     []corev1.EnvVar{{Name: "PATH", Value: "/usr/local/bin:/usr/bin:/bin:/"}},
		Command: []string{"etcd"},
		Args:    etcdArguments(ServerOf(extensionAPI).NamespacedName, extensionAPI.Spec.Server.Storage, observed.Storage),
		Ports: []corev1.ContainerPort{
			{Name: "client", ContainerPort: EtcdPort, Protocol: corev1.ProtocolTCP},
			{Name: "metrics", ContainerPort: etcdMetricsPort, Protocol: corev1.ProtocolTCP},
		},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("128Mi"),
		}},
		StartupProbe:   etcdProbe("/readyz", 1, 300),
		ReadinessProbe: etcdProbe("/readyz", 5, 3),
		LivenessProbe:  etcdProbe("/livez", 10, 6),
		Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
			Exec: &corev1.ExecAction{Command: snapshotCommand()},
		}},
		SecurityContext: &corev1.SecurityContext{ReadOnlyRootFilesystem: new(true)},
		VolumeMounts:    []corev1.VolumeMount{{Name: etcdVolume, MountPath: etcdPath}, storageMount},
	}
	fillContainer(&container)
	return container
}

func etcdArguments(server types.NamespacedName, storage *v1alpha1.Storage, observed Storage) []string {
	every, local := "0.0.0.0", "127.0.0.1"
	if address, err := netip.ParseAddr(observed.Address); err == nil && address.Is6() {
		every, local = "[::]", "[::1]"
	}
	peer := fmt.Sprintf("http://%s:%d", local, etcdPeerPort)
	return []string{
		"--name=member",
		"--data-dir=" + etcdPath + "/data",
		fmt.Sprintf("--listen-client-urls=https://%s:%d", every, EtcdPort),
		"--advertise-client-urls=" + StandaloneURL(server),
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=member=" + peer,
		fmt.Sprintf("--listen-metrics-urls=http://%s:%d", every, etcdMetricsPort),
		"--client-cert-auth",
		"--trusted-ca-file=" + StoragePath + "/" + CABundleKey,
		"--cert-file=" + StoragePath + "/" + corev1.TLSCertKey,
		"--key-file=" + StoragePath + "/" + corev1.TLSPrivateKeyKey,
		fmt.Sprintf("--quota-backend-bytes=%d", StandaloneQuota(storage.Standalone)),
		// k8s.io/apiserver compacts it as well, but cannot once it is full: it begins with a write
		// (k8s.io/apiserver/pkg/storage/etcd3/compact.go). As long as there, so that watches go on.
		"--auto-compaction-mode=periodic",
		"--auto-compaction-retention=5m",
	}
}

// snapshotCommand keeps a snapshot on the volume whenever the member stops, and so before it is deleted. If it fails,
// the member stops nevertheless.
func snapshotCommand() []string {
	return []string{
		"etcdctl", fmt.Sprintf("--endpoints=https://localhost:%d", EtcdPort),
		"--cacert=" + StoragePath + "/" + CABundleKey,
		"--cert=" + StoragePath + "/" + corev1.TLSCertKey,
		"--key=" + StoragePath + "/" + corev1.TLSPrivateKeyKey,
		"snapshot", "save", etcdSnapshot,
	}
}

func etcdProbe(path string, periodSeconds, failureThreshold int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: intstr.FromString("metrics"),
		}},
		PeriodSeconds:    periodSeconds,
		TimeoutSeconds:   5,
		FailureThreshold: failureThreshold,
	}
}
