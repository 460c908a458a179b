// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
)

const (
	reportInterval = 10 * time.Second
	// poll is how often something is looked at that is waited for.
	poll = 100 * time.Millisecond
	// readyPoll is longer, as it lists all ExtensionAPIs.
	readyPoll = time.Second
	// auditDelay is longer than kube-apiserver may keep audit events before it writes them.
	auditDelay = 2 * time.Second
	jsonPatch  = types.JSONPatchType
	// afterRestart is for how long the requests of a restarted operator are counted: until it has probed everything.
	afterRestart = 40 * time.Second
	// restProfile is how long a CPU profile at rest covers, in seconds.
	restProfile = 20
)

// registerProfile covers what is done until about all are served, in seconds.
func registerProfile(size int) int { return max(2, size/20) }

// result is what was measured of a size in one way.
type result struct {
	way  string
	size int
	// served is the time from the first creation until kube-apiserver answers for all, and ready until all ExtensionAPIs
	// are Ready.
	served, ready time.Duration
	// kubeAPIServer and operator are the CPU time used until all are served, and atRest per second some time later.
	kubeAPIServer, operator             time.Duration
	kubeAPIServerAtRest, operatorAtRest float64
	memory, peak, files                 float64
	reconciliations                     int
	series, ownSeries, scrape           int
	requests, requestsAtRest, restarted requests
	changes                             []time.Duration
}

// name is that of the files about it.
func (r *result) name() string { return fmt.Sprintf("%d-%s", r.size, r.way) }

// measure measures one size in one way, on a control plane of its own.
func measure(ctx context.Context, o options, b *backend, way string, size int) (r *result, err error) {
	progress("%d %s", size, way)
	apis, err := b.serve(ctx, size)
	if err != nil {
		return nil, err
	}
	p, err := startControlPlane(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	stopBackends, err := p.startBackends(ctx, way, b, apis)
	if err != nil {
		return nil, err
	}
	defer stopBackends()
	r = &result{way: way, size: size}
	switch way {
	case declared:
		return r, r.declare(ctx, p, b, apis)
	case byHand:
		if err := r.register(ctx, o, p, b, apis, nil); err != nil {
			return nil, err
		}
		return r, r.rest(ctx, o, p, nil)
	default:
		return r, r.operate(ctx, o, p, b, apis)
	}
}

// operate measures with an operator.
func (r *result) operate(ctx context.Context, o options, p *controlPlane, b *backend, apis []api) error {
	operator, err := startOperator(ctx, p, o.operator)
	if err != nil {
		return err
	}
	defer func() { operator.stop() }()
	if err := r.register(ctx, o, p, b, apis, operator); err != nil {
		return err
	}
	if err := r.rest(ctx, o, p, operator); err != nil {
		return err
	}
	if err := r.change(ctx, o, p, apis[0]); err != nil {
		return err
	}
	operator, err = r.restart(ctx, o, p, operator)
	return err
}

// register creates everything and measures until all is served, and Ready.
func (r *result) register(
	ctx context.Context, o options, p *controlPlane, b *backend, apis []api, operator *operator,
) error {
	events, err := p.watchAPIServices(ctx)
	if err != nil {
		return err
	}
	defer events.Stop()
	stopProfile := o.profile(ctx, p, operator, "register-"+r.name(), registerProfile(r.size))
	began, before := time.Now(), p.used(operator)
	created := make(chan error, 1)
	go func() { created <- p.register(ctx, r.way, apis, b.ca) }()
	if err := errors.Join(p.awaitServed(ctx, apis, events, o), <-created); err != nil {
		return err
	}
	r.served = time.Since(began)
	after := p.used(operator)
	r.kubeAPIServer, r.operator = after.kubeAPIServer-before.kubeAPIServer, after.operator-before.operator
	if operator != nil {
		if err := p.awaitReady(ctx, r.size, o); err != nil {
			return err
		}
		r.ready = time.Since(began)
		if r.requests, err = p.requestsBetween(ctx, began, began.Add(r.ready)); err != nil {
			return err
		}
		if r.reconciliations, err = operator.reconciliations(ctx); err != nil {
			return err
		}
	}
	progress("  served after %s, kube-apiserver used %s, the operator %s",
		r.served.Round(time.Millisecond), r.kubeAPIServer, r.operator)
	return stopProfile()
}

// declare measures what the creation of ExtensionAPIs alone costs, without an operator.
func (r *result) declare(ctx context.Context, p *controlPlane, b *backend, apis []api) error {
	began, before := time.Now(), p.used(nil)
	if err := p.register(ctx, r.way, apis, b.ca); err != nil {
		return err
	}
	r.served, r.kubeAPIServer = time.Since(began), p.used(nil).kubeAPIServer-before.kubeAPIServer
	progress("  created after %s, kube-apiserver used %s", r.served.Round(time.Millisecond), r.kubeAPIServer)
	return nil
}

func (p *controlPlane) register(ctx context.Context, way string, apis []api, caBundle []byte) error {
	for _, served := range apis {
		if err := p.client.Create(ctx, registration(way, served, caBundle)); err != nil {
			return err
		}
	}
	return nil
}

// used is CPU time.
type used struct{ kubeAPIServer, operator time.Duration }

func (p *controlPlane) used(operator *operator) used {
	result := used{kubeAPIServer: process(p.pid).cpu()}
	if operator != nil {
		result.operator = operator.cpu()
	}
	return result
}

// rest measures what is used when nothing changes.
func (r *result) rest(ctx context.Context, o options, p *controlPlane, operator *operator) error {
	if !pause(ctx, o.settle) {
		return ctx.Err()
	}
	stopProfile := o.profile(ctx, p, operator, "rest-"+r.name(), restProfile)
	began, before := time.Now(), p.used(operator)
	if !pause(ctx, o.rest) {
		return ctx.Err()
	}
	after := p.used(operator)
	r.kubeAPIServerAtRest = (after.kubeAPIServer - before.kubeAPIServer).Seconds() / o.rest.Seconds()
	if operator == nil {
		return nil
	}
	r.operatorAtRest = (after.operator - before.operator).Seconds() / o.rest.Seconds()
	r.memory, r.peak, r.files = operator.memory()
	var err error
	if r.series, r.ownSeries, r.scrape, err = operator.series(ctx); err != nil {
		return err
	}
	r.requestsAtRest, err = p.requestsBetween(ctx, began, began.Add(o.rest))
	progress("  at rest the operator used %.4f cores and %.1f MiB", r.operatorAtRest, r.memory)
	return errors.Join(err, stopProfile(), o.heap(ctx, operator, r.name()))
}

// change times changes of one ExtensionAPI while all others are at rest.
func (r *result) change(ctx context.Context, o options, p *controlPlane, served api) error {
	events, err := p.watchAPIServices(ctx)
	if err != nil {
		return err
	}
	defer events.Stop()
	for n := range o.changes {
		took, err := p.change(ctx, events, served, int32(groupPriority+1+n%2))
		if err != nil {
			return err
		}
		r.changes = append(r.changes, took)
	}
	slices.Sort(r.changes)
	return nil
}

// restart counts the requests of an operator that finds everything as it should be.
func (r *result) restart(
	ctx context.Context, o options, p *controlPlane, operator *operator,
) (*operator, error) {
	operator.stop()
	began := time.Now()
	restarted, err := startOperator(ctx, p, o.operator)
	if err != nil {
		return operator, err
	}
	if !pause(ctx, afterRestart) {
		return restarted, ctx.Err()
	}
	r.restarted, err = p.requestsBetween(ctx, began, time.Now())
	return restarted, err
}

func (p *controlPlane) ready(ctx context.Context) (ready int) {
	list := &v1alpha1.ExtensionAPIList{}
	if err := p.client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return 0
	}
	for i := range list.Items {
		if meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, v1alpha1.ConditionReady) {
			ready++
		}
	}
	return ready
}

// profile starts CPU profiles if there is a directory for them. The returned function returns when they are written.
func (o options) profile(ctx context.Context, p *controlPlane, operator *operator, name string, seconds int) (
	stop func() error,
) {
	if o.profiles == "" || operator == nil {
		return func() error { return nil }
	}
	done := make(chan error, 2)
	go func() { done <- operator.profile(ctx, filepath.Join(o.profiles, name+".pprof"), seconds) }()
	go func() {
		done <- p.profile(ctx, filepath.Join(o.profiles, name+"-kube-apiserver.pprof"), seconds)
	}()
	return func() error { return errors.Join(<-done, <-done) }
}

func (o options) heap(ctx context.Context, operator *operator, name string) error {
	if o.profiles == "" {
		return nil
	}
	return operator.heap(ctx, filepath.Join(o.profiles, "heap-"+name+".pprof"))
}

// pause reports whether ctx has not ended meanwhile.
func pause(ctx context.Context, duration time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(duration):
		return true
	}
}

func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return discovery.Percentile(sorted, percent)
}
