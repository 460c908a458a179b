// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// whileWaiting serves /healthz and /readyz until wait returns, as the manager that follows at the same address does:
// the process is alive, however long its API is not served, and not ready.
func whileWaiting(ctx context.Context, address string, wait func() error) error {
	if address == "" || address == "0" { // what disables them in a manager, too
		return wait()
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := waitingServer(listener).Start(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "Failed to serve health checks")
		}
	}()
	err = wait()
	stop()
	<-ended // the address is free
	return err
}

func waitingServer(listener net.Listener) *manager.Server {
	notReady := func(*http.Request) error { return errors.New("the API is not served yet") }
	mux := http.NewServeMux()
	mux.Handle("/healthz", healthz.CheckHandler{Checker: healthz.Ping})
	mux.Handle("/readyz", healthz.CheckHandler{Checker: notReady})
	timeout := time.Second
	return &manager.Server{
		Name: "health probe while waiting", Listener: listener, ShutdownTimeout: &timeout,
		Server: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second},
	}
}
