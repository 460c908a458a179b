// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	certutil "k8s.io/client-go/util/cert"
)

const startTimeout = 2 * time.Minute

// client sends requests to the kube-apiserver as the administrator.
func (c cluster) client() (*http.Client, error) {
	roots, err := certutil.NewPool(c.path("pki", "ca.crt"))
	if err != nil {
		return nil, err
	}
	admin, err := tls.LoadX509KeyPair(c.path("pki", "admin.crt"), c.path("pki", "admin.key"))
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{admin}},
		DialContext:     (&net.Dialer{Timeout: 500 * time.Millisecond}).DialContext, // a dead node never answers
	}
	return &http.Client{Transport: transport, Timeout: 5 * time.Second}, nil
}

// waitForAPI waits, in the node, until it is served.
func (c cluster) waitForAPI(ctx context.Context, r record) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	return poll(ctx, startTimeout, func() error { return get(ctx, client, urlOf(r.server())+"/readyz", nil) })
}

// milestone is a condition that a starting cluster reaches, and the component whose log explains why it does not.
type milestone struct {
	what, component, url string
	reached              func(body []byte) bool // nil: status 200 is enough
}

func milestones(c cluster, r record) []milestone {
	var reached []milestone
	for i := range r.kubeAPIServers() {
		reached = append(reached, r.milestoneOf(i+1))
	}
	api := urlOf(r.server())
	return append(reached, []milestone{
		{"the kubelet", "kubelet", api + "/api/v1/nodes/" + c.name + "/proxy/healthz", nil},
		{"the node", "kubelet", api + "/api/v1/nodes/" + c.name, nodeReady},
		{
			"the default service account", "kube-controller-manager",
			api + "/api/v1/namespaces/default/serviceaccounts/default", nil,
		},
		{"the service network", "kube-proxy", "http://" + r.Network.Node() + ":10256/healthz", nil},
	}...)
}

// milestoneOf returns the milestone that a kube-apiserver is ready.
func (r record) milestoneOf(number int) milestone {
	name := suffixed(kubeAPIServer, number, "")
	return milestone{"the " + name, name, urlOf(r.Network.kubeAPIServer(number)) + "/readyz", nil}
}

// waitReady waits until the milestones are reached.
func (c cluster) waitReady(ctx context.Context, r record, milestones ...milestone) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	for _, m := range milestones {
		progress("waiting for %s", m.what)
		err := poll(ctx, startTimeout, func() error {
			if !r.Node.alive() {
				return nil
			}
			return get(ctx, client, m.url, m.reached)
		})
		if !r.Node.alive() {
			return fmt.Errorf("the node has stopped: %s", c.logTail(nodeCommand))
		}
		if err != nil {
			return fmt.Errorf("%s is not ready after %s: %w\n%s", m.what, startTimeout, err, c.logTail(m.component))
		}
	}
	return nil
}

func get(ctx context.Context, client *http.Client, url string, expected func([]byte) bool) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || expected != nil && !expected(body) {
		return fmt.Errorf("GET %s: %s: %s", url, response.Status, body)
	}
	return nil
}

func nodeReady(body []byte) bool {
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if json.Unmarshal(body, &node) != nil {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" {
			return condition.Status == "True"
		}
	}
	return false
}
