// SPDX-License-Identifier: Apache-2.0

package act

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"

	"github.com/extensionapi/extensionapi-operator/internal/inventory"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/plan"
	"github.com/extensionapi/extensionapi-operator/internal/rotation"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
	"github.com/extensionapi/extensionapi-operator/internal/storagecheck"
)

// storage stores what the server's Pods need to reach their storage, runs a standalone etcd, and has the storage looked
// at, which wakes the reconciler.
func (e *execution) storage(ctx context.Context, p *plan.Storage) error {
	if p == nil {
		return nil
	}
	target := p.Target
	e.Storage.Start(e.s.Name, "", p.LookAge, func(ctx context.Context) storage.Look {
		return storagecheck.Look(ctx, target)
	})
	if err := e.storeStorage(ctx, p); err != nil {
		return e.refuse(&e.out.Storage, err)
	}
	return e.refuse(&e.out.Storage, e.standalone(ctx, p))
}

// storeStorage writes the CA first: a certificate without its signer would be issued again. The record comes last,
// since it is about the certificate. A new certificate is withheld while spec.suspend is true: each plan has another.
func (e *execution) storeStorage(ctx context.Context, p *plan.Storage) error {
	if len(p.Data) == 0 {
		return nil
	}
	read := e.s.Storage.Value()
	if p.Rotation == nil {
		return e.applyStorage(ctx, p.Data)
	}
	if e.out.DryRun {
		if !maps.EqualFunc(p.Data, read.Stored, bytes.Equal) {
			e.applier.Withhold("Secret", inventory.StorageSecretKey(e.s.ExtensionAPI))
		}
		return nil
	}
	stored := read.Certificates.Record
	if err := e.storeStorageTrust(ctx, p, stored); err != nil {
		return err
	}
	if err := e.applyStorage(ctx, p.Data); err != nil {
		return err
	}
	return e.storeStorageTrust(ctx, p, p.Rotation.Record)
}

func (e *execution) applyStorage(ctx context.Context, data map[string][]byte) error {
	_, err := e.applier.Apply(ctx, manifests.StorageSecret(e.s.ExtensionAPI, data))
	return err
}

func (e *execution) storeStorageTrust(ctx context.Context, p *plan.Storage, record rotation.Record) error {
	encoded, err := json.Marshal(record)
	if err != nil {
		return err
	}
	_, err = e.applier.Apply(ctx, manifests.StorageTrustSecret(
		e.s.ExtensionAPI, e.Observer.OperatorNamespace, p.Signer, p.Rotation.Bundle, encoded))
	return err
}

// standalone runs an etcd, once there is an address for it, and certificates.
func (e *execution) standalone(ctx context.Context, p *plan.Storage) error {
	if !p.Runs {
		return nil
	}
	inputs := inventory.Inputs{Observed: manifests.Observed{
		AssignsUsers: e.s.AssignsUsers, Storage: e.s.Storage.Value().Observed(), Images: e.Images,
	}}
	before := inventory.CreatedAt(inventory.BeforeStorage, e.s.ExtensionAPI)
	if _, err := e.applyAll(ctx, before, inputs); err != nil || !p.Starts {
		return err
	}
	_, err := e.applyAll(ctx, inventory.CreatedAt(inventory.WithStorage, e.s.ExtensionAPI), inputs)
	return err
}
