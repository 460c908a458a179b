// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/extensionapi/extensionapi-operator/internal/cli"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/render"
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
		t.Fatalf("%v: exit code %d: %s", args, code, errOut)
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
			"verification", "ca-bundle", "latency", "openapi", "conditions",
		} {
			if levels[id] != check.OK {
				return fmt.Errorf("check %s is %q: %s", id, levels[id], out)
			}
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
