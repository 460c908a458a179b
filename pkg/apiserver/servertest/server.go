// SPDX-License-Identifier: Apache-2.0

// Package servertest runs a server in a test, without a cluster: with an etcd in the same process if it needs one.
package servertest

import (
	"context"
	"net"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/storage/etcd3/testserver"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/pkg/apiserver"
)

// Server is a server that is running.
type Server struct {
	// Config is for clients, which may do everything.
	Config *rest.Config
}

// Client returns a client for kinds.
func (s *Server) Client(t testing.TB, versions ...func(*runtime.Scheme) error) client.WithWatch {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, install := range versions {
		if err := install(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.NewWithWatch(s.Config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Start runs a server until the end of the test. There is no kube-apiserver, so no admission policy or webhook is
// called, and everything is permitted.
func Start(t testing.TB, server apiserver.Server) *Server {
	t.Helper()
	options := optionsOf(t, server)
	options.CoreAPI, options.Admission = nil, nil
	options.Features.EnablePriorityAndFairness = false
	return start(t, server, options)
}

// StartInCluster runs a server beside the kube-apiserver of a kubeconfig, whose admission policies and webhooks are
// called, and whose FlowSchemas are observed. Clients reach it directly, and everything is permitted.
func StartInCluster(t testing.TB, server apiserver.Server, kubeconfig string) *Server {
	t.Helper()
	options := optionsOf(t, server)
	options.CoreAPI.CoreAPIKubeconfigPath = kubeconfig
	return start(t, server, options)
}

// optionsOf are options for a listener on loopback and, if it is used, for an etcd of the test's own.
func optionsOf(t testing.TB, server apiserver.Server) *apiserver.Options {
	t.Helper()
	options := apiserver.NewOptions(server)
	if options.Etcd != nil {
		options.Etcd.StorageConfig.Transport.ServerList = testserver.RunEtcd(t, nil).Endpoints()
	}
	options.Authentication, options.Authorization = nil, nil
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options.SecureServing.Listener, options.SecureServing.BindPort = listener, listener.Addr().(*net.TCPAddr).Port
	options.SecureServing.ServerCert.CertDirectory = t.TempDir()
	return options
}

func start(t testing.TB, server apiserver.Server, options *apiserver.Options) *Server {
	t.Helper()
	generic, err := server.New(options, func(config *genericapiserver.RecommendedConfig) {
		config.Authentication.Authenticator = anonymous.NewAuthenticator(nil)
		config.Authorization.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
	})
	if err != nil {
		t.Fatal(err)
	}
	run(t, generic)
	return &Server{generic.LoopbackClientConfig}
}

// run returns when the server is ready.
func run(t testing.TB, server *genericapiserver.GenericAPIServer) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background()) //nolint:usetesting // it ends after the test's clients
	prepared, stopped := server.PrepareRun(), make(chan struct{})
	go func() {
		defer close(stopped)
		if err := prepared.RunWithContext(ctx); err != nil {
			t.Errorf("the server ended: %v", err)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-stopped
	})
	client, err := rest.HTTPClientFor(server.LoopbackClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	for {
		response, err := client.Get(server.LoopbackClientConfig.Host + "/readyz") //nolint:noctx // it ends with the test
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == 200 {
				return
			}
		}
		select {
		case <-stopped:
			t.FailNow()
		case <-t.Context().Done():
			t.Fatal("the server is not ready")
		case <-time.After(50 * time.Millisecond):
		}
	}
}
