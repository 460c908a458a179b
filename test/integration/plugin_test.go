// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/cli"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/render"
	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

// plugin runs the kubectl plugin as the administrator, and returns the exit code, the output and the errors.
func plugin(args ...string) (code int, out, errOut string) {
	return pluginAs(plane.kubeconfig, args...)
}

func pluginAs(kubeconfig string, args ...string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	code = cli.Run(append(args, "--kubeconfig", kubeconfig), strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// pluginOutput is the output of a command that must succeed.
func pluginOutput(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errOut := plugin(args...)
	if code != 0 {
		t.Fatalf("%v: exit code %d: %s%s", args, code, out, errOut)
	}
	return out
}

// examined runs doctor for some names, and returns its exit code and the levels of the checks.
func examined(t *testing.T, kubeconfig string, names ...string) (code int, levels map[string]check.Level, out string) {
	t.Helper()
	code, out, errOut := pluginAs(kubeconfig, append([]string{"doctor", "--output", "json"}, names...)...)
	var document render.Document
	if err := json.Unmarshal([]byte(out), &document); err != nil {
		t.Fatalf("doctor prints %q %q: %v", out, errOut, err)
	}
	levels = map[string]check.Level{}
	for _, section := range document.Sections {
		for _, checked := range section.Checks {
			levels[checked.ID] = checked.Level
		}
	}
	return code, levels, out
}

func TestDoctorFindsNothingWrongWithAHealthyExtensionAPI(t *testing.T) {
	t.Parallel()
	const name = "doctor-healthy"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	await(t, name, status.CurrentStatus)
	eventually(t, func() error { // kube-apiserver may load OpenAPI slightly later
		code, levels, out := examined(t, plane.kubeconfig, name)
		if code != 0 {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		for _, id := range []string{
			"kube-apiserver", "front-proxy-trust", "front-proxy-certificate", "aggregated-discovery", "available",
			"verification", "ca-bundle", "latency", "openapi",
		} {
			if levels[id] != check.OK {
				return fmt.Errorf("check %s is %q: %s", id, levels[id], out)
			}
		}
		if levels["conditions"] != check.NotChecked { // the operator may not read the objects
			return fmt.Errorf("check conditions is %q: %s", levels["conditions"], out)
		}
		return nil
	})
}

func TestDoctorFindsWhatIsWrongWithAHandMadeAPIService(t *testing.T) {
	t.Parallel()
	const name = "doctor-broken"
	createNamespace(t, name)
	createUntilCleanup(t, handMade(name))
	eventually(t, func() error {
		code, levels, out := examined(t, plane.kubeconfig, "v1."+name+".example.com")
		if code != 2 || levels["available"] != check.Broken || levels["orphan"] != check.Broken ||
			levels["verification"] != check.Warning {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		for _, said := range []string{"ServiceNotFound", "Helm release \\\"" + name + "\\\"", "kubectl delete apiservice"} {
			if !strings.Contains(out, said) {
				return fmt.Errorf("doctor does not report %q: %s", said, out)
			}
		}
		return nil
	})
}

func TestDoctorFindsOfObjectsWhatTheOperatorFinds(t *testing.T) {
	t.Parallel()
	type behaviour = extensionserver.Behaviour
	for name, test := range map[string]struct {
		behaviour behaviour
		reason    string
	}{
		"doctor-list-500": {
			behaviour{List: extensionserver.Fault{Status: http.StatusInternalServerError}}, v1alpha1.ReasonListFails,
		},
		"doctor-no-bookmark": {
			behaviour{InitialEvents: extensionserver.WithoutBookmark}, v1alpha1.ReasonWatchWithoutBookmark,
		},
		"doctor-differ": {behaviour{LeftOutResources: []string{"gadgets"}}, v1alpha1.ReasonDiscoveryDiffers},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serveObjects(t, name, test.behaviour)
			awaitThat(t, name, isFalse(v1alpha1.ConditionServesObjects, test.reason).check)
			eventually(t, func() error {
				code, levels, out := examined(t, plane.kubeconfig, name)
				if code != 2 || levels["objects"] != check.Broken ||
					strings.Count(out, fmt.Sprintf("%q: %q", "reason", test.reason)) < 2 { // objects, and conditions
					return fmt.Errorf("exit code %d: %s", code, out)
				}
				return nil
			})
		})
	}
}

// handMade is an APIService of NAME.example.com/v1 whose Service does not exist, and which a Helm release has left.
func handMade(name string) *apiregistrationv1.APIService {
	return &apiregistrationv1.APIService{
		ObjectMeta: ofRelease(in("", "v1."+name+".example.com"), name),
		Spec: apiregistrationv1.APIServiceSpec{
			Group: name + ".example.com", Version: "v1", GroupPriorityMinimum: 1000, VersionPriority: 15,
			InsecureSkipTLSVerify: true,
			Service:               &apiregistrationv1.ServiceReference{Namespace: name, Name: name},
		},
	}
}

func TestDoctorListsWhatAUserMayNotRead(t *testing.T) {
	t.Parallel()
	const name = "doctor-viewer"
	createNamespace(t, name)
	createUntilCleanup(t, handMade(name))
	// The controller that would add these rules to ClusterRole view does not run here.
	viewer := kubeconfigOf(t, name, "system:aggregate-to-view")
	eventually(t, func() error {
		code, levels, out := examined(t, viewer)
		if levels["available"] != check.NotChecked || levels["conditions"] != check.NotChecked ||
			levels["kube-apiserver"] != check.OK || levels["aggregated-discovery"] != check.OK {
			return fmt.Errorf("exit code %d: %s", code, out)
		}
		_, text, _ := pluginAs(viewer, "doctor")
		if _, unchecked, _ := strings.Cut(text, "not checked\n"); !strings.Contains(unchecked, "not permitted") ||
			!strings.Contains(unchecked, "available") || strings.Count(unchecked, "not permitted") != 1 {
			return fmt.Errorf("doctor prints %s", text)
		}
		return nil
	})
}

// kubeconfigOf returns the kubeconfig of a new user who is bound to a ClusterRole.
func kubeconfigOf(t *testing.T, name, role string) (kubeconfig string) {
	t.Helper()
	createUntilCleanup(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	})
	user, err := plane.env.AddUser(envtest.User{Name: name}, &rest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	content, err := user.KubeConfig()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig
}

func TestDoctorDoesNotRunForANameThatDoesNotExist(t *testing.T) {
	t.Parallel()
	code, out, errOut := plugin("doctor", "v1.no-such-api.example.com")
	if code != 3 || out != "" || !strings.Contains(errOut, "v1.no-such-api.example.com") {
		t.Errorf("exit code %d, output %q, errors %q", code, out, errOut)
	}
}

func TestAHandMadeRegistrationIsImportedAndAdopted(t *testing.T) {
	t.Parallel()
	const name = "imported"
	backend, _ := startBackend(t, name, "v1")
	byHand := handMade(name)
	byHand.Annotations = nil
	byHand.Spec.InsecureSkipTLSVerify, byHand.Spec.CABundle = false, backend.signer.Certificate
	byHand.Spec.Service.Port = &backend.port
	createUntilCleanup(t, byHand)

	manifest := filepath.Join(t.TempDir(), "manifest.yaml")
	content := pluginOutput(t, "import", byHand.Name, "--adopt")
	if err := os.WriteFile(manifest, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	code, changes, errOut := plugin("diff", "--filename", manifest)
	if code != 1 || !strings.Contains(changes, "metadata.labels[aggregation.extensionapi.dev/extensionapi]:  -> "+name) ||
		strings.Contains(changes, "spec.") {
		t.Errorf("diff: exit code %d: %s%s", code, changes, errOut)
	}
	kubectl(t, "apply", "--filename", manifest)
	t.Cleanup(func() { remove(t, name) })
	await(t, name, status.CurrentStatus)
	if uid := apiServices(t, name)[byHand.Name].UID; uid != byHand.UID {
		t.Errorf("the APIService has the UID %q, want %q", uid, byHand.UID)
	}
	if code, changes, errOut := plugin("diff", name); code != 0 {
		t.Errorf("diff after the adoption: exit code %d: %s%s", code, changes, errOut)
	}
}

func TestADeploymentIsImportedForTheOperatorToRun(t *testing.T) {
	t.Parallel()
	const name = "imported-deployment"
	createNamespace(t, name)
	deployment := otherDeployment(in(name, name))
	deployment.Spec.Template.Spec.Containers[0].Args = []string{"--secure-port=4443", "--v=2"}
	create(t, deployment)
	create(t, &corev1.Service{
		ObjectMeta: in(name, name),
		Spec:       corev1.ServiceSpec{Selector: otherLabels, Ports: []corev1.ServicePort{{Port: 443}}},
	})
	byHand := handMade(name)
	createUntilCleanup(t, byHand)
	manifest := filepath.Join(t.TempDir(), "manifest.yaml")
	content := pluginOutput(t, "import", byHand.Name)
	if err := os.WriteFile(manifest, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	applied := kubectl(t, "apply", "--dry-run=server", "--output", "yaml", "--filename", manifest)
	for _, wanted := range []string{"name: imported-deployment-api", "port: 4443", "--v=2", "adoptionPolicy: DryRun"} {
		if !strings.Contains(applied, wanted) {
			t.Errorf("there is no %q in\n%s", wanted, applied)
		}
	}
}

func TestRotateReplacesTheCertificate(t *testing.T) {
	t.Parallel()
	const name = "rotated-by-plugin"
	createNamespace(t, name)
	apply(t, served(name))
	t.Cleanup(func() { remove(t, name) })
	await(t, name, status.InProgressStatus, isTrue(v1alpha1.ConditionCertificatesReady, v1alpha1.ReasonIssued))
	rotated := func(ca bool) *metav1.Time {
		extensionAPI := named(name)
		if err := plane.client.Get(ctx, client.ObjectKeyFromObject(extensionAPI), extensionAPI); err != nil {
			t.Fatal(err)
		}
		certificates := extensionAPI.Spec.Server.Certificates
		switch {
		case certificates == nil || certificates.Managed == nil:
			return nil
		case ca:
			return certificates.Managed.RotateCAAfter
		default:
			return certificates.Managed.RotateServingAfter
		}
	}
	pluginOutput(t, "rotate", name, "--dry-run")
	if rotated(false) != nil {
		t.Error("a dry run changes the ExtensionAPI")
	}
	if out := pluginOutput(t, "rotate", name); !strings.Contains(out, "rotation of the serving certificate requested") ||
		rotated(false) == nil || rotated(true) != nil {
		t.Errorf("rotate prints %q; serving %v, CA %v", out, rotated(false), rotated(true))
	}
	if out := pluginOutput(t, "rotate", name, "--ca"); rotated(true) == nil {
		t.Errorf("rotate --ca prints %q and requests nothing", out)
	}
}

func TestStatusAndEventsShowAnExtensionAPI(t *testing.T) {
	t.Parallel()
	const name = "shown-by-plugin"
	backend, _ := startBackend(t, name, "v1")
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	t.Cleanup(func() { remove(t, name) })
	awaitThat(t, name, measured)
	eventually(t, func() error {
		shown := pluginOutput(t, "status", name)
		for _, wanted := range []string{
			name + ": Ready is True", "APIServicesAvailable (AllAvailable)", "v1." + name + ".example.com   True",
			"last Events", "Ready",
		} {
			if !strings.Contains(shown, wanted) {
				return fmt.Errorf("there is no %q in\n%s", wanted, shown)
			}
		}
		return nil
	})
	shown := pluginOutput(t, "events", name, "--output", "json")
	if !strings.Contains(shown, `"object": "ExtensionAPI/`+name) {
		t.Errorf("there is no Event of it in\n%s", shown)
	}
}
