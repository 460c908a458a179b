// SPDX-License-Identifier: Apache-2.0

// Package servertest runs a server in a test, without a cluster: with an etcd in the same process if it needs one.
package servertest

import (
	"context"
	"net"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
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
func (s *Server) Client(tb testing.TB, versions ...func(*runtime.Scheme) error) client.WithWatch {
	tb.Helper()
	scheme := runtime.NewScheme()
	for _, install := range versions {
		if err := install(scheme); err != nil {
			tb.Fatal(err)
		}
	}
	c, err := client.NewWithWatch(s.Config, client.Options{Scheme: scheme})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Start runs a server until the end of the test. There is no kube-apiserver, so no admission policy or webhook is
// called, and everything is permitted.
func Start(tb testing.TB, server apiserver.Server) *Server {
	tb.Helper()
	options := optionsOf(tb, server)
	options.CoreAPI, options.Admission = nil, nil
	options.Features.EnablePriorityAndFairness = false
	return start(tb, server, options)
}

// StartInCluster runs a server beside the kube-apiserver of a kubeconfig, whose admission policies and webhooks are
// called, and whose FlowSchemas are observed. Clients reach it directly, and everything is permitted.
func StartInCluster(tb testing.TB, server apiserver.Server, kubeconfig string) *Server {
	tb.Helper()
	options := optionsOf(tb, server)
	options.CoreAPI.CoreAPIKubeconfigPath = kubeconfig
	return start(tb, server, options)
}

// optionsOf are options for a listener on loopback and, if it is used, for an etcd of the test's own.
func optionsOf(tb testing.TB, server apiserver.Server) *apiserver.Options {
	tb.Helper()
	options := apiserver.NewOptions(server)
	if options.Etcd != nil {
		options.Etcd.StorageConfig.Transport.ServerList = testserver.RunEtcd(tb, nil).Endpoints()
	}
	// Without options everything is permitted, for admission plugins too. Who requests is set in start.
	options.Authentication, options.Authorization = nil, nil
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	address, _ := listener.Addr().(*net.TCPAddr)
	options.SecureServing.Listener, options.SecureServing.BindPort = listener, address.Port
	options.SecureServing.ServerCert.CertDirectory = tb.TempDir()
	return options
}

func start(tb testing.TB, server apiserver.Server, options *apiserver.Options) *Server {
	tb.Helper()
	generic, err := server.New(options, func(config *genericapiserver.RecommendedConfig) {
		// Priority and fairness rejects requests without a user.
		config.Authentication.Authenticator = anonymous.NewAuthenticator(nil)
	})
	if err != nil {
		tb.Fatal(err)
	}
	run(tb, generic)
	return &Server{generic.LoopbackClientConfig}
}

// run returns when the server is ready.
func run(tb testing.TB, server *genericapiserver.GenericAPIServer) {
	tb.Helper()
	ctx, stop := context.WithCancel(context.Background()) //nolint:usetesting // it ends after the test's clients
	prepared, stopped := server.PrepareRun(), make(chan struct{})
	go func() {
		defer close(stopped)
		if err := prepared.RunWithContext(ctx); err != nil {
			tb.Errorf("the server ended: %v", err)
		}
	}()
	tb.Cleanup(func() {
		stop()
		<-stopped
	})
	waitUntilReady(tb, server.LoopbackClientConfig, stopped)
}
