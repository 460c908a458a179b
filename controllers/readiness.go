// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"net/http"

	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
)

// hasRead succeeds when everything that is watched has been read once, so that the operator could work at once, whether
// it leads or stands by. Then it does so for good: an outage of kube-apiserver does not make a Pod unready.
//
// It asks for each informer, since the cache's own WaitForCacheSync knows only of those that there are already
// (controller-runtime pkg/cache/internal/informers.go).
func hasRead(informers cache.Informers, watches []watch) healthz.Checker {
	return func(request *http.Request) error {
		for _, w := range watches {
			informer, err := informers.GetInformer(request.Context(), w.object, cache.BlockUntilSynced(false))
			if err != nil {
				return fmt.Errorf("watching %T: %w", w.object, err)
			}
			if !informer.HasSynced() {
				return errors.New("not everything that the operator watches has been read yet: look for errors in its log")
			}
		}
		return nil
	}
}
