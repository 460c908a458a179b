// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"

	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/installation"
	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/uninstall"
)

// check returns what the operator does instead of reconciling, nil for nothing.
func (o *options) check() func(context.Context) error {
	switch {
	case o.checkUninstall != "":
		return o.runCheckUninstall
	case o.checkInstallation:
		return o.runCheckInstallation
	default:
		return nil
	}
}

func (o *options) runCheckUninstall(ctx context.Context) error {
	_, reader, err := newClient()
	if err != nil {
		return err
	}
	return uninstall.Check(ctx, reader, o.checkUninstall)
}

func (o *options) runCheckInstallation(ctx context.Context) error {
	config, c, err := newClient()
	if err != nil {
		return err
	}
	lease := client.ObjectKey{Namespace: o.operatorNamespace, Name: leaseName}
	return installation.Check(ctx, config, c, lease, os.Stdout)
}

func newClient() (*rest.Config, client.WithWatch, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, nil, err
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: kinds.Scheme(), Mapper: kinds.Mapper()})
	return config, c, err
}
