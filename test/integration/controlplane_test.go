// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const (
	repository = "../.."
	crdFile    = repository + "/config/crd/bases/aggregation.extensionapi.dev_extensionapis.yaml"

	operatorNamespace = "extensionapi-system"
	operatorAccount   = "extensionapi-operator"
	operatorUser      = "system:serviceaccount:" + operatorNamespace + ":" + operatorAccount
	proberAccount     = "extensionapi-operator-prober"

	frontProxyName  = "front-proxy-client"
	requestHeaderCA = "requestheader-client-ca-file"
)

// controlPlane is a kube-apiserver with its etcd, and the objects of the operator's installation.
type controlPlane struct {
	env *envtest.Environment
	// client reads and writes as the cluster's administrator, without a cache.
	client client.Client
	// dir is a directory for files, which exists while the control plane runs.
	dir string
	// kubeconfig is the path of the administrator's kubeconfig.
	kubeconfig string
}

// startControlPlane starts a control plane whose kube-apiserver lacks the front-proxy flags with the prefix without,
// unless that is empty, and has the enabled flags in addition.
func startControlPlane(without string, enabled ...string) (*controlPlane, error) {
	dir, err := os.MkdirTemp("", "extensionapi-integration-")
	if err != nil {
		return nil, err
	}
	p := &controlPlane{
		dir:        dir,
		kubeconfig: filepath.Join(dir, "kubeconfig"),
		env: &envtest.Environment{
			UseExistingCluster:       new(false),
			ControlPlaneStartTimeout: 5 * time.Minute, // on a machine that is busy
			CRDInstallOptions:        envtest.CRDInstallOptions{MaxTime: 2 * time.Minute},
			CRDDirectoryPaths: []string{
				filepath.Dir(crdFile), filepath.Join(certManagerDir, "crds"), serviceMonitorCRD,
			},
			ErrorIfCRDPathMissing: true,
		},
	}
	flags := p.env.ControlPlane.GetAPIServer().Configure()
	// kube-apiserver would publish an address of this machine on which it does not listen.
	flags.Set("endpoint-reconciler-type", "none")
	// On by default since Kubernetes 1.37.
	flags.Set("feature-gates", "ClusterTrustBundle=true")
	flags.Set("runtime-config", "certificates.k8s.io/v1beta1/clustertrustbundles=true")
	for _, flag := range enabled {
		flags.Set(flag, "true")
	}
	if err := errors.Join(configureFrontProxy(dir, flags, without), configureAudit(dir, flags)); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if _, err := p.env.Start(); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	if err := p.install(); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (p *controlPlane) stop() error {
	return errors.Join(p.env.Stop(), os.RemoveAll(p.dir))
}

// configureFrontProxy configures the client certificate with which kube-apiserver authenticates to extension API
// servers, and makes it publish the CA of that certificate.
func configureFrontProxy(dir string, flags *envtest.Arguments, without string) error {
	// A self-signed certificate can be its own CA, so one is enough.
	pair, err := pki.NewSigner(frontProxyName, time.Now(), 24*time.Hour)
	if err != nil {
		return err
	}
	values := frontProxyFlags(dir)
	for flag, value := range values {
		if without == "" || !strings.HasPrefix(flag, without) {
			flags.Set(flag, value)
		}
	}
	return errors.Join(os.WriteFile(values["proxy-client-cert-file"], pair.Certificate, 0o600),
		os.WriteFile(values["proxy-client-key-file"], pair.Key, 0o600))
}

func frontProxyFlags(dir string) map[string]string {
	certificate := filepath.Join(dir, "front-proxy.crt")
	return map[string]string{
		requestHeaderCA:                      certificate,
		"requestheader-allowed-names":        frontProxyName,
		"requestheader-username-headers":     "X-Remote-User",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
		"proxy-client-cert-file":             certificate,
		"proxy-client-key-file":              filepath.Join(dir, "front-proxy.key"),
	}
}

// install creates the objects of the chart and the kustomization, except the operator's Deployment.
func (p *controlPlane) install() error {
	if err := os.WriteFile(p.kubeconfig, p.env.KubeConfig, 0o600); err != nil {
		return err
	}
	var err error
	if p.client, err = client.New(p.env.Config, client.Options{Scheme: kinds.Scheme()}); err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: operatorNamespace}}
	if err := p.client.Create(ctx, namespace); err != nil {
		return err
	}
	standIn := localService(manifests.StandInName)
	standIn.Namespace = operatorNamespace
	if err := p.client.Create(ctx, standIn); err != nil {
		return err
	}
	for _, file := range installedFiles() {
		if err := p.installFile(file); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return awaitGrants(p.client)
}

// installedFiles returns the manifests that the operator needs to run, and to run servers, and its admission policies.
func installedFiles() []string {
	var files []string
	for _, name := range []string{
		"rbac/role", "rbac/operator_role", "rbac/operator_serviceaccount", "rbac/operator_authreader",
		"rbac/prober_serviceaccount", "rbac/server_clusterrole", "rbac/metrics_reader_clusterrole", "rbac/object_reader",
		"rbac/user_clusterroles",
		"admission/operator_policy", "admission/owner_policy", "admission/rights_policy", "admission/warnings_policy",
	} {
		files = append(files, filepath.Join(repository, "config", name+".yaml"))
	}
	return files
}

func (p *controlPlane) installFile(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return p.createAll(bytes.NewReader(content))
}

// createAll creates manifests, in the operator's namespace unless they name another one.
func (p *controlPlane) createAll(manifests io.Reader) error {
	decoder := yaml.NewYAMLOrJSONDecoder(manifests, 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		namespaced, err := p.client.IsObjectNamespaced(object)
		if err != nil {
			return err
		}
		if namespaced && object.GetNamespace() == "" {
			object.SetNamespace(operatorNamespace)
		}
		if err := p.client.Create(ctx, object); err != nil {
			return err
		}
	}
}

// operatorConfig returns a configuration for the operator's ServiceAccount, so that it has only the permissions of
// config/rbac.
func (p *controlPlane) operatorConfig() (*rest.Config, error) {
	user, err := p.env.AddUser(envtest.User{
		Name:   operatorUser,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + operatorNamespace},
	}, &rest.Config{QPS: -1})
	if err != nil {
		return nil, err
	}
	return user.Config(), nil
}

// impersonate returns a configuration that impersonates a ServiceAccount in the operator's namespace.
func impersonate(p *controlPlane, account string) *rest.Config {
	config := rest.CopyConfig(p.env.Config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + operatorNamespace + ":" + account,
		Groups:   []string{"system:serviceaccounts", "system:authenticated"},
	}
	return config
}
