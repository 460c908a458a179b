// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// backend is a storage that the tests run in place of another owner: one Pod with a volume and TLS, behind a Service.
type backend struct {
	name   string
	ca     authority
	volume volume
	// address is that of the Service.
	address string
	port    int32
}

// startBackend runs a container with its volume at /data and its certificates at /certs.
func startBackend(t *testing.T, name string, port int32, container corev1.Container) *backend {
	t.Helper()
	b := &backend{name: name, ca: newAuthority(t), volume: makeVolume(t, name, "1Gi"), port: port}
	b.volume.claim(t, "1Gi")
	service := &corev1.Service{
		ObjectMeta: b.meta(name),
		Spec: corev1.ServiceSpec{
			Selector: b.labels(), Ports: []corev1.ServicePort{{Port: port, TargetPort: intstr.FromInt32(port)}},
		},
	}
	createObject(t, service)
	b.address = service.Spec.ClusterIP
	createObject(t, &corev1.Secret{ObjectMeta: b.meta(b.serverSecret()), Data: b.ca.issue(t, b.address)})
	createObject(t, b.deployment(container))
	b.awaitReady(t)
	return b
}

func (b *backend) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: sampleNamespace, Name: name}
}

func (b *backend) labels() map[string]string { return map[string]string{"app": b.name} }

func (b *backend) serverSecret() string { return b.name + "-server" }

func (b *backend) endpoint() string { return b.address + ":" + strconv.Itoa(int(b.port)) }

func (b *backend) deployment(container corev1.Container) *appsv1.Deployment {
	container.Env = append(container.Env, corev1.EnvVar{Name: "ADDRESS", Value: b.address})
	container.VolumeMounts = append(container.VolumeMounts,
		corev1.VolumeMount{Name: "data", MountPath: "/data"}, corev1.VolumeMount{Name: "certs", MountPath: "/certs"})
	container.SecurityContext = &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
	return &appsv1.Deployment{
		ObjectMeta: b.meta(b.name),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](1),
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Selector: &metav1.LabelSelector{MatchLabels: b.labels()},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: b.labels()},
				Spec: corev1.PodSpec{
					AutomountServiceAccountToken: new(false),
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot: new(true), RunAsUser: ptr.To[int64](65532), RunAsGroup: ptr.To[int64](65532),
						FSGroup:        ptr.To[int64](65532),
						SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Containers: []corev1.Container{container},
					Volumes: []corev1.Volume{
						{Name: "data", VolumeSource: corev1.VolumeSource{
							PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: b.volume.name},
						}},
						{Name: "certs", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{
							SecretName: b.serverSecret(), DefaultMode: ptr.To[int32](0o440),
						}}},
					},
				},
			},
		},
	}
}

func (b *backend) awaitReady(t *testing.T) {
	t.Helper()
	eventually(t, 2*time.Minute, func(ctx context.Context) error {
		deployment := &appsv1.Deployment{ObjectMeta: b.meta(b.name)}
		if err := kube.Get(ctx, client.ObjectKeyFromObject(deployment), deployment); err != nil {
			return err
		}
		if status := deployment.Status; status.ObservedGeneration != deployment.Generation ||
			status.ReadyReplicas != 1 || status.UpdatedReplicas != 1 {
			return fmt.Errorf("Deployment %s is not ready: %+v", b.name, status)
		}
		return nil
	})
}

// stop stops the storage, with its connections, until start is called.
func (b *backend) stop(t *testing.T) (start func()) {
	t.Helper()
	scale := func(replicas string) {
		if _, err := output(context.WithoutCancel(t.Context()), "kubectl", "scale", "deployment/"+b.name,
			"--namespace", sampleNamespace, "--replicas", replicas); err != nil {
			t.Error(err)
		}
	}
	scale("0")
	return func() { scale("1") }
}

// restart has the storage read its certificates again.
func (b *backend) restart(t *testing.T) {
	t.Helper()
	kubectl(t, "rollout", "restart", "deployment/"+b.name, "--namespace", sampleNamespace)
	b.awaitReady(t)
}

// putSecret changes some keys of a Secret, or creates it.
func putSecret(t *testing.T, name string, data map[string][]byte) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: sampleNamespace, Name: name}}
	err := kube.Get(t.Context(), client.ObjectKeyFromObject(secret), secret)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if err != nil {
		secret.Data = data
		createObject(t, secret)
		return
	}
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	maps.Copy(secret.Data, data)
	if err := kube.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
}

const (
	etcdImage       = "extensionapi.dev/etcd:demo"
	postgreSQLImage = "extensionapi.dev/postgresql:e2e"
	// smallQuota is soon used up.
	smallQuota = 64 << 20
)

func startEtcd(t *testing.T) *backend {
	t.Helper()
	return startBackend(t, "stored-etcd", 2379, corev1.Container{
		Name: "etcd", Image: etcdImage,
		Args: []string{
			"--data-dir=/data/etcd", "--listen-client-urls=https://0.0.0.0:2379",
			"--advertise-client-urls=https://$(ADDRESS):2379", "--listen-metrics-urls=http://0.0.0.0:2381",
			"--client-cert-auth", "--trusted-ca-file=/certs/ca.crt", "--cert-file=/certs/tls.crt", "--key-file=/certs/tls.key",
			fmt.Sprintf("--quota-backend-bytes=%d", smallQuota),
		},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
				Path: "/readyz", Port: intstr.FromInt32(2381),
			}},
			PeriodSeconds: 1,
		},
	})
}

// startPostgreSQL starts a database that only accepts users with the password, over TLS.
func startPostgreSQL(t *testing.T, password string) *backend {
	t.Helper()
	const program = `set -e
export PATH=$(echo /usr/lib/postgresql/*/bin):/bin
if [ ! -f /data/pg/PG_VERSION ]; then
	rm -rf /data/pg
	echo "$PASSWORD" >/data/password
	initdb --pgdata /data/pg --username wardle --pwfile /data/password --locale C --encoding UTF8 --auth scram-sha-256
fi
chmod 700 /data/pg
printf 'local all all trust\nhostssl all all all scram-sha-256\n' >/data/pg/pg_hba.conf
rm -f /data/pg/postmaster.pid
exec postgres -D /data/pg -c listen_addresses='*' -c unix_socket_directories=/data -c ssl=on \
	-c ssl_ca_file=/certs/ca.crt -c ssl_cert_file=/certs/tls.crt -c ssl_key_file=/certs/tls.key \
	-c shared_buffers=16MB -c max_wal_size=64MB`
	return startBackend(t, "stored-sql", 5432, corev1.Container{
		Name: "postgresql", Image: postgreSQLImage, Command: []string{"/bin/sh", "-c", program},
		Env: []corev1.EnvVar{{Name: "PASSWORD", Value: password}},
		ReadinessProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(5432)}},
			PeriodSeconds: 1,
		},
	})
}

// setPassword changes the password of the only user. Connections stay.
func (b *backend) setPassword(t *testing.T, password string) {
	t.Helper()
	kubectl(t, "exec", "deployment/"+b.name, "--namespace", sampleNamespace, "--", "/bin/sh", "-c",
		`$(echo /usr/lib/postgresql/*/bin/psql) -h /data -U wardle -d postgres `+
			`-c "ALTER ROLE wardle PASSWORD '`+password+`'"`)
}

func (b *backend) dsn(password string) []byte {
	return fmt.Appendf(nil, "postgres://wardle:%s@%s/wardle", password, b.endpoint())
}
