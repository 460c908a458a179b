// SPDX-License-Identifier: Apache-2.0

// Command faultserver runs the extension API server of package extensionserver, for the end-to-end tests. It serves the
// API on --secure-port, with the flags that all servers built on k8s.io/apiserver have. On --control-port any client
// can read and replace its behaviour: GET and PUT /behaviour, GET /requests. A container that is restarted has that of
// --behaviour.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/extensionapi/extensionapi-operator/test/extensionserver"
)

const headerTimeout = 10 * time.Second

type options struct {
	securePort, controlPort int
	certificate, key        string
	groupVersions           []schema.GroupVersion
	behaviour               extensionserver.Behaviour
}

func main() {
	ctrl.SetLogger(logr.FromSlogHandler(slog.Default().Handler()))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, parseFlags())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func parseFlags() options {
	o := options{}
	flag.IntVar(&o.securePort, "secure-port", 8443, "port of the API, with TLS")
	flag.IntVar(&o.controlPort, "control-port", 8080, "port of the control API, without TLS")
	flag.StringVar(&o.certificate, "tls-cert-file", "", "serving certificate; it is reloaded when it changes")
	flag.StringVar(&o.key, "tls-private-key-file", "", "key of the serving certificate")
	flag.Func("group-version", "GROUP/VERSION to serve; those of one group must be adjacent", func(value string) error {
		groupVersion, err := schema.ParseGroupVersion(value)
		o.groupVersions = append(o.groupVersions, groupVersion)
		return err
	})
	flag.Func("behaviour", "JSON of the behaviour at the start; the last one counts", func(value string) (err error) {
		o.behaviour, err = extensionserver.ParseBehaviour(strings.NewReader(value))
		return err
	})
	flag.Parse()
	return o
}

// run serves until ctx is done, and then until all in-flight requests have been answered.
func run(ctx context.Context, o options) error {
	certificate, err := certwatcher.New(o.certificate, o.key)
	if err != nil {
		return err
	}
	api := extensionserver.New(o.groupVersions...)
	api.Behave(o.behaviour)
	secure := &http.Server{
		Addr:              fmt.Sprintf(":%d", o.securePort),
		Handler:           api,
		TLSConfig:         api.TLS(certificate.GetCertificate),
		ReadHeaderTimeout: headerTimeout,
	}
	control := &http.Server{
		Addr:              fmt.Sprintf(":%d", o.controlPort),
		Handler:           api.Control(),
		ReadHeaderTimeout: headerTimeout,
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return certificate.Start(ctx) })
	group.Go(func() error { return ignoreClosed(secure.ListenAndServeTLS("", "")) })
	group.Go(func() error { return ignoreClosed(control.ListenAndServe()) })
	group.Go(func() error {
		<-ctx.Done()
		unhurried := context.WithoutCancel(ctx)
		return errors.Join(secure.Shutdown(unhurried), control.Shutdown(unhurried))
	})
	return group.Wait()
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
