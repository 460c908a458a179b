// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/installation"
)

const (
	repository = "../.."
	configDir  = repository + "/config"
	crdFile    = configDir + "/crd/bases/aggregation.extensionapi.dev_extensionapis.yaml"

	operatorNamespace = "extensionapi-system"
	operatorAccount   = "extensionapi-operator"
	operatorUser      = "system:serviceaccount:" + operatorNamespace + ":" + operatorAccount
	proberAccount     = "extensionapi-operator-prober"
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
	for flag, value := range installation.FrontProxyFlags(dir) {
		if without == "" || !strings.HasPrefix(flag, without) {
			flags.Set(flag, value)
		}
	}
	return installation.WriteFrontProxy(dir)
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
	if err := installation.CreateFiles(ctx, p.client, configDir, operatorNamespace); err != nil {
		return err
	}
	return awaitGrants(p.client)
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
