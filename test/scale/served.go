// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/watch"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// watchAPIServices watches all APIServices until ctx ends.
func (p *controlPlane) watchAPIServices(ctx context.Context) (watch.Interface, error) {
	return p.client.Watch(ctx, &apiregistrationv1.APIServiceList{})
}

// awaitServed returns when kube-apiserver answers discovery of all group-versions. It requests one only when its
// APIService is available: what waits must not be what is measured.
func (p *controlPlane) awaitServed(ctx context.Context, apis []api, events watch.Interface, o options) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	left := map[string]api{}
	for _, served := range apis {
		left[manifests.APIServiceName(served.GroupVersion)] = served
	}
	report := time.NewTicker(reportInterval)
	defer report.Stop()
	for len(left) > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d are not served: %w", len(left), len(apis), ctx.Err())
		case <-report.C:
			progress("  %d of %d are served", len(apis)-len(left), len(apis))
		case event, open := <-events.ResultChan():
			if !open {
				return errors.New("the watch of APIServices ended")
			}
			apiService, _ := event.Object.(*apiregistrationv1.APIService)
			served, waits := left[nameOf(apiService)]
			if !waits || !isAvailable(apiService) {
				continue
			}
			if err := p.awaitDiscovery(ctx, served); err != nil {
				return err
			}
			delete(left, apiService.Name)
		}
	}
	return nil
}

func nameOf(apiService *apiregistrationv1.APIService) string {
	if apiService == nil {
		return ""
	}
	return apiService.Name
}

func isAvailable(apiService *apiregistrationv1.APIService) bool {
	condition := snapshot.Availability(apiService)
	return condition != nil && condition.Status == apiregistrationv1.ConditionTrue
}

// awaitDiscovery returns when kube-apiserver answers a client for a group-version.
func (p *controlPlane) awaitDiscovery(ctx context.Context, served api) error {
	var last error
	err := until(ctx, poll, time.Minute, served.name+" to be served", func() bool {
		_, last = p.get(ctx, "/apis/"+served.String())
		return last == nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

// awaitReady returns when all ExtensionAPIs are Ready.
func (p *controlPlane) awaitReady(ctx context.Context, size int, o options) error {
	last := time.Now()
	return until(ctx, readyPoll, o.timeout, "all ExtensionAPIs to be Ready", func() bool {
		ready := p.ready(ctx)
		if time.Since(last) > reportInterval {
			progress("  %d of %d are Ready", ready, size)
			last = time.Now()
		}
		return ready == size
	})
}

// change is the time from a change of one ExtensionAPI to the change of its APIService.
func (p *controlPlane) change(ctx context.Context, events watch.Interface, served api, priority int32) (
	time.Duration, error,
) {
	patch := fmt.Sprintf(`[{"op": "replace", "path": "/spec/groups/0/groupPriorityMinimum", "value": %d}]`, priority)
	extensionAPI := registration(byOperator, served, nil) // its name is all that matters
	began := time.Now()
	if err := p.client.Patch(ctx, extensionAPI, client.RawPatch(jsonPatch, []byte(patch))); err != nil {
		return 0, err
	}
	for {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(time.Minute):
			return 0, fmt.Errorf("the APIService of %s has not changed within a minute", served.name)
		case event := <-events.ResultChan():
			apiService, _ := event.Object.(*apiregistrationv1.APIService)
			if nameOf(apiService) == manifests.APIServiceName(served.GroupVersion) &&
				apiService.Spec.GroupPriorityMinimum == priority {
				return time.Since(began), nil
			}
		}
	}
}
