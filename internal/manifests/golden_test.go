// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden compares the objects of an ExtensionAPI with only an image, of one that sets everything that the operator
// would default, of one with an existing Service, of one with controllers, and of one for each storage.
// `go test ./internal/manifests -update` writes the files.
func TestGolden(t *testing.T) {
	for _, name := range []string{
		"minimal", "everything-set", "existing-backend", "cert-manager", "server-settings",
		"controllers", "storage-etcd", "storage-sql", "storage-standalone",
	} {
		t.Run(name, func(t *testing.T) {
			compareGolden(t, name+".golden.yaml", build(t, read(t, name+".yaml")))
		})
	}
}

func read(t *testing.T, file string) *v1alpha1.ExtensionAPI {
	t.Helper()
	encoded, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	extensionAPI := &v1alpha1.ExtensionAPI{}
	if err := yaml.UnmarshalStrict(encoded, extensionAPI); err != nil {
		t.Fatal(err)
	}
	return extensionAPI
}

func build(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) []runtime.ApplyConfiguration {
	t.Helper()
	var objects []runtime.ApplyConfiguration
	if extensionAPI.Spec.Server != nil {
		pair := pki.KeyPair{Certificate: []byte("certificate"), Key: []byte("key")}
		server := ServerOf(extensionAPI)
		accounts := []string{server.ServiceAccountName()}
		objects = append(objects, ServiceAccount(extensionAPI, server), AuthDelegatorBinding(extensionAPI, accounts),
			AuthReaderBinding(extensionAPI, accounts), ServerBinding(extensionAPI, accounts),
			TrustSecret(extensionAPI, "extensionapi-system", pair, []byte("bundle"), []byte("{}")),
			ServingSecret(extensionAPI, pair, []byte("bundle")), Service(extensionAPI),
			PodDisruptionBudget(extensionAPI, server), deployment(t, extensionAPI, server))
		if HasNetworkPolicy(extensionAPI) {
			objects = append(objects, NetworkPolicy(extensionAPI))
		}
		if HasStandalone(extensionAPI) {
			objects = append(objects, standalone(t, extensionAPI)...)
		}
		if HasServiceMonitor(extensionAPI) {
			objects = append(objects, ServiceMonitor(extensionAPI))
		}
	}
	if HasControllers(extensionAPI) {
		accounts := []string{"fischers", "wardle-flunders"}
		objects = append(objects, ControllerEventsBinding(extensionAPI, accounts),
			LeaderElectionBinding(extensionAPI, accounts))
	}
	for _, controller := range ControllersOf(extensionAPI) {
		objects = append(objects, ServiceAccount(extensionAPI, controller), PodDisruptionBudget(extensionAPI, controller),
			deployment(t, extensionAPI, controller))
	}
	server := ptr.Deref(extensionAPI.Spec.Server, v1alpha1.Server{})
	if ptr.Deref(server.Certificates, v1alpha1.Certificates{}).CertManager != nil {
		objects = append(objects, Certificate(extensionAPI, []string{"wardle.wardle-system.svc"}))
	}
	for _, apiService := range APIServices(extensionAPI, []byte("bundle")) {
		objects = append(objects, apiService)
	}
	return objects
}

func deployment(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI, w Workload) runtime.ApplyConfiguration {
	t.Helper()
	observed := observedStorage
	observed.ServiceAccount = "account-uid"
	deployment, err := Deployment(extensionAPI, w, observed)
	if err != nil {
		t.Fatal(err)
	}
	return deployment
}

var observedStorage = Observed{
	Storage: Storage{
		Revision: "20260101T120000.000", Keys: []string{"ca.crt", "tls.crt", "tls.key"}, Address: "10.0.0.8",
	},
	Images: Images{Etcd: "etcd:v1", Kine: "kine:v1"},
}

func standalone(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) []runtime.ApplyConfiguration {
	t.Helper()
	statefulSet, err := StatefulSet(extensionAPI, observedStorage)
	if err != nil {
		t.Fatal(err)
	}
	return []runtime.ApplyConfiguration{
		StorageTrustSecret(extensionAPI, "extensionapi-system", pki.KeyPair{}, []byte("bundle"), []byte("{}")),
		StorageSecret(extensionAPI, map[string][]byte{RevisionKey: []byte("1")}),
		StandaloneService(extensionAPI), StandaloneNetworkPolicy(extensionAPI), statefulSet,
	}
}

func compareGolden(t *testing.T, file string, objects []runtime.ApplyConfiguration) {
	t.Helper()
	var got bytes.Buffer
	for _, object := range objects {
		encoded, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		got.WriteString("---\n")
		got.Write(encoded)
	}
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs; if the change is intended, run go test ./internal/manifests -update.\n%s",
			path, got.String())
	}
}

func TestMissingFlagsKeepsTheTemplatesFlags(t *testing.T) {
	tests := map[string]struct {
		command, args []string
		want          int
	}{
		"none set":                   {want: 3},
		"set with an equals sign":    {args: []string{"--secure-port=9443"}, want: 2},
		"set as a separate argument": {args: []string{"--tls-cert-file", "/a", "--tls-private-key-file", "/b"}, want: 1},
		"set in the command":         {command: []string{"/server", "--secure-port=1", "--tls-cert-file=/a"}, want: 1},
		"a longer flag is no match":  {args: []string{"--secure-ports=1"}, want: 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			container := &corev1.Container{Command: test.command, Args: test.args}
			if got := missingFlags(container, 8443); len(got) != test.want {
				t.Errorf("missing flags = %q, want %d", got, test.want)
			}
		})
	}
}

func TestPreStopFitsInTheGracePeriod(t *testing.T) {
	for gracePeriod, want := range map[int64]int64{80: 15, 30: 15, 7: 3, 2: 1} {
		container := &corev1.Container{}
		fillPreStop(container, gracePeriod)
		if got := container.Lifecycle.PreStop.Sleep.Seconds; got != want {
			t.Errorf("with a grace period of %ds it sleeps for %ds, want %ds", gracePeriod, got, want)
		}
	}
	container := &corev1.Container{}
	if fillPreStop(container, 1); container.Lifecycle != nil {
		t.Error("a grace period of one second leaves no time to sleep")
	}
}

func TestFillTemplateDoesNotModifyTheTemplate(t *testing.T) {
	extensionAPI := read(t, "minimal.yaml")
	before := extensionAPI.DeepCopy()
	fillTemplate(ServerOf(extensionAPI), Observed{})
	if before.Spec.Server.Template.String() != extensionAPI.Spec.Server.Template.String() {
		t.Error("the user's template was modified in place")
	}
}

func TestServerPortIsTheTargetPortOfTheService(t *testing.T) {
	podWith := func(ports ...corev1.ContainerPort) *corev1.Pod {
		return &corev1.Pod{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "sidecar"}, {Name: v1alpha1.ServerContainer, Ports: ports}},
		}}
	}
	named := &v1alpha1.Server{Port: 9443, Template: corev1.PodTemplateSpec{
		Spec: podWith(corev1.ContainerPort{Name: "api", ContainerPort: 9443}).Spec,
	}}
	tests := map[string]struct {
		server *v1alpha1.Server
		pod    *corev1.Pod
		want   int32
	}{
		"named by the operator": {
			&v1alpha1.Server{Port: 9443}, podWith(corev1.ContainerPort{Name: "extension-api", ContainerPort: 8443}), 8443,
		},
		"named by the template": {named, podWith(corev1.ContainerPort{Name: "api", ContainerPort: 8443}), 8443},
		"unnamed":               {named, podWith(corev1.ContainerPort{ContainerPort: 8443}), 9443},
		"without ports":         {named, podWith(), 9443},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ServerPort(test.pod, test.server); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
