// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	metricsAddress = "127.0.0.1:8443"
	healthAddress  = "127.0.0.1:8081"
	pprofAddress   = "127.0.0.1:6060"
	proberUser     = "system:serviceaccount:" + operatorNamespace + ":extensionapi-operator-prober"
)

// operator is a running operator.
type operator struct {
	command *exec.Cmd
	process
	token string
}

// startOperator starts the operator with the permissions of its ServiceAccount, and returns when it is ready.
func startOperator(ctx context.Context, p *controlPlane, program string) (*operator, error) {
	kubeconfig, err := p.operatorKubeconfig()
	if err != nil {
		return nil, err
	}
	token, err := p.scraperToken(ctx)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(p.dir, "operator.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	command := exec.CommandContext(ctx, program,
		"--operator-namespace="+operatorNamespace, "--leader-elect",
		"--metrics-bind-address="+metricsAddress, "--health-probe-bind-address="+healthAddress,
		"--stand-in-bind-address=127.0.0.1:9443", "--pprof-bind-address="+pprofAddress)
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	command.Stdout, command.Stderr = log, log
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if err := command.Start(); err != nil {
		return nil, err
	}
	o := &operator{command: command, process: process(command.Process.Pid), token: token}
	return o, until(ctx, poll, time.Minute, "the operator to be ready", func() bool {
		_, err := get(ctx, http.DefaultClient, "http://"+healthAddress+"/readyz", "")
		return err == nil
	})
}

// stop ends it as the kubelet does.
func (o *operator) stop() {
	_ = o.command.Process.Signal(syscall.SIGTERM)
	_ = o.command.Wait()
}

func (p *controlPlane) operatorKubeconfig() (string, error) {
	user, err := p.env.AddUser(envtest.User{
		Name:   operatorUser,
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + operatorNamespace},
	}, nil)
	if err != nil {
		return "", err
	}
	content, err := user.KubeConfig()
	if err != nil {
		return "", err
	}
	file := filepath.Join(p.dir, "operator.kubeconfig")
	return file, os.WriteFile(file, content, 0o600)
}

// scraperToken is of a user that may read the metrics.
func (p *controlPlane) scraperToken(ctx context.Context) (string, error) {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "scraper"}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "scraper"},
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "extensionapi-operator:metrics-reader",
		},
		Subjects: []rbacv1.Subject{
			{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNamespace, Name: "scraper"},
		},
	}
	for _, object := range []client.Object{account, binding} {
		if err := client.IgnoreAlreadyExists(p.client.Create(ctx, object)); err != nil {
			return "", err
		}
	}
	request := &authenticationv1.TokenRequest{}
	err := p.client.SubResource("token").Create(ctx, account, request)
	return request.Status.Token, err
}

// metrics scrapes the operator.
func (o *operator) metrics(ctx context.Context) ([]byte, error) {
	httpClient := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // G402: self-signed, on loopback
	}}
	defer httpClient.CloseIdleConnections()
	return get(ctx, httpClient, "https://"+metricsAddress+"/metrics", o.token)
}

// reconciliations returns how many there were since the operator was started.
func (o *operator) reconciliations(ctx context.Context) (total int, err error) {
	body, err := o.metrics(ctx)
	for line := range strings.Lines(string(body)) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(name,
			"controller_runtime_reconcile_total{") {
			count, _ := strconv.ParseFloat(value, 64)
			total += int(count)
		}
	}
	return total, err
}

// series returns the number of metric series, and of those of discovery, and the size of a scrape.
func (o *operator) series(ctx context.Context) (all, ofDiscovery, size int, err error) {
	body, err := o.metrics(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	for line := range bytes.Lines(body) {
		if line[0] == '#' {
			continue
		}
		all++
		if bytes.HasPrefix(line, []byte("extensionapi_")) {
			ofDiscovery++
		}
	}
	return all, ofDiscovery, len(body), nil
}

// profile writes a CPU profile of the operator, which covers seconds.
func (o *operator) profile(ctx context.Context, file string, seconds int) error {
	return o.pprof(ctx, fmt.Sprintf("profile?seconds=%d", seconds), file)
}

// heap writes a profile of what is in memory.
func (o *operator) heap(ctx context.Context, file string) error {
	return o.pprof(ctx, "heap?gc=1", file)
}

func (o *operator) pprof(ctx context.Context, path, file string) error {
	content, err := get(ctx, http.DefaultClient, "http://"+pprofAddress+"/debug/pprof/"+path, "")
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

// until polls until something is the case.
func until(ctx context.Context, every, timeout time.Duration, what string, done func() bool) error {
	err := wait.PollUntilContextTimeout(ctx, every, timeout, true, func(context.Context) (bool, error) {
		return done(), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %s: %w", what, err)
	}
	return nil
}
