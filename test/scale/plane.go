// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
	"github.com/extensionapi/extensionapi-operator/test/installation"
)

const (
	operatorNamespace = "extensionapi-system"
	operatorUser      = "system:serviceaccount:" + operatorNamespace + ":extensionapi-operator"
)

// auditPolicy logs the requests of the operator and of its prober, so that they can be counted.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: ["` + operatorUser + `", "` + proberUser + `"]
  verbs: [get, list, create, update, patch, delete, deletecollection]
- {level: None}
`

// controlPlane is a kube-apiserver with its etcd, and the objects of the operator's installation.
type controlPlane struct {
	env *envtest.Environment
	// client is that of the cluster's administrator.
	client client.WithWatch
	http   *http.Client
	dir    string
	pid    int
}

func startControlPlane(ctx context.Context, o options) (*controlPlane, error) {
	dir, err := os.MkdirTemp("", "extensionapi-scale-")
	if err != nil {
		return nil, err
	}
	p := &controlPlane{dir: dir, env: &envtest.Environment{
		UseExistingCluster: new(false), ControlPlaneStartTimeout: 2 * time.Minute,
		CRDDirectoryPaths: []string{o.crds}, ErrorIfCRDPathMissing: true,
	}}
	err = p.configure()
	if err == nil {
		_, err = p.env.Start()
	}
	if err == nil {
		err = p.install(ctx, o.config)
	}
	if err == nil {
		p.pid, err = childNamed("kube-apiserver")
	}
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func (p *controlPlane) stop() error { return errors.Join(p.env.Stop(), os.RemoveAll(p.dir)) }

func (p *controlPlane) configure() error {
	policy := filepath.Join(p.dir, "audit-policy.yaml")
	flags := p.env.ControlPlane.GetAPIServer().Configure().
		Set("endpoint-reconciler-type", "none").
		Set("advertise-address", endpointAddress).
		Set("service-cluster-ip-range", serviceRange).
		Set("profiling", "true").
		Set("audit-policy-file", policy).
		Set("audit-log-mode", "batch").
		Set("audit-log-batch-max-wait", "1s").
		Set("audit-log-path", filepath.Join(p.dir, "audit.log"))
	for flag, value := range installation.FrontProxyFlags(p.dir) {
		flags.Set(flag, value)
	}
	return errors.Join(installation.WriteFrontProxy(p.dir), os.WriteFile(policy, []byte(auditPolicy), 0o600))
}

// install creates what the chart installs, but for the operator itself and its stand-in's Service.
func (p *controlPlane) install(ctx context.Context, config string) (err error) {
	p.env.Config.QPS = -1
	if p.client, err = client.NewWithWatch(p.env.Config, client.Options{Scheme: kinds.Scheme()}); err != nil {
		return err
	}
	if p.http, err = rest.HTTPClientFor(p.env.Config); err != nil {
		return err
	}
	for _, name := range []string{operatorNamespace, namespace} {
		if err := p.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return err
		}
	}
	return installation.CreateFiles(ctx, p.client, config, operatorNamespace)
}

// get returns the body of kube-apiserver's response to a GET request as the administrator.
func (p *controlPlane) get(ctx context.Context, path string) ([]byte, error) {
	return get(ctx, p.http, strings.TrimSuffix(p.env.Config.Host, "/")+path, "")
}

// profile writes a CPU profile of kube-apiserver, which covers seconds.
func (p *controlPlane) profile(ctx context.Context, file string, seconds int) error {
	content, err := p.get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds))
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

func get(ctx context.Context, httpClient *http.Client, url, token string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, response.Status)
	}
	return body, err
}
