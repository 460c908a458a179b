// SPDX-License-Identifier: Apache-2.0

// Package storagecheck looks at the storage of a server: what its replicas say of it, and what the endpoints answer. It
// keeps a standalone etcd defragmented. It waits for the network, so it runs in the background.
package storagecheck

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/podcheck"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

// timeout bounds a request, and defragTimeout a defragmentation.
const (
	timeout       = 3 * time.Second
	defragTimeout = time.Minute
)

// Look looks at everything at the same time.
func Look(ctx context.Context, target storage.Target) storage.Look {
	look := storage.Look{Servers: map[types.UID]storage.Check{}, Endpoints: map[string]storage.Answer{}}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(limits.ProbesInFlightOfOne)
	for uid, address := range target.Servers {
		group.Go(func() error {
			check := podcheck.Storage(ctx, address)
			mu.Lock()
			defer mu.Unlock()
			look.Servers[uid] = check
			return nil
		})
	}
	for _, endpoint := range target.Endpoints {
		group.Go(func() error {
			answer := answerOf(ctx, target, endpoint)
			mu.Lock()
			defer mu.Unlock()
			look.Endpoints[endpoint.Address] = answer
			return nil
		})
	}
	_ = group.Wait() // each has its error in the result
	return look
}

func answerOf(ctx context.Context, target storage.Target, endpoint storage.Endpoint) storage.Answer {
	switch endpoint.Protocol {
	case storage.Etcd, storage.PlainEtcd:
		return etcdAnswer(ctx, target, endpoint)
	default:
		return databaseAnswer(ctx, endpoint)
	}
}
