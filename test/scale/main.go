// SPDX-License-Identifier: Apache-2.0

// Command scale measures what many ExtensionAPIs cost, beside the same APIServices created by hand: on a real
// kube-apiserver and etcd, without kubelet and kube-proxy, with the operator as a program of its own. It needs a
// network namespace of its own, in which every address of the Service range is this machine: make bench-scale
// provides one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// options are the command line flags.
type options struct {
	operator string
	crds     string
	config   string
	profiles string
	ways     []string
	sizes    []int
	settle   time.Duration
	rest     time.Duration
	changes  int
	timeout  time.Duration
}

func main() {
	o := options{sizes: []int{10, 100}, ways: []string{byHand, declared, byOperator, withServer}}
	flag.StringVar(&o.operator, "operator", "bin/extensionapi-operator", "program of the operator")
	flag.StringVar(&o.config, "config", "config", "directory with the manifests that the operator needs")
	flag.StringVar(&o.profiles, "profiles", "", "directory for CPU profiles, none if it is empty")
	flag.Func("sizes", "numbers of ExtensionAPIs, with commas between them (default 10,100)", func(list string) error {
		sizes, err := parseSizes(list)
		o.sizes = sizes
		return err
	})
	flag.Func("ways", "what is measured, with commas between them (default "+strings.Join(o.ways, ",")+")",
		func(list string) error {
			o.ways = strings.Split(list, ",")
			return nil
		})
	flag.DurationVar(&o.settle, "settle", 150*time.Second, "for how long nothing is measured after everything is Ready")
	flag.DurationVar(&o.rest, "rest", time.Minute, "for how long the CPU at rest is measured")
	flag.IntVar(&o.changes, "changes", 100, "how many changes of one ExtensionAPI are timed")
	flag.DurationVar(&o.timeout, "timeout", 30*time.Minute, "for how long APIs are waited for that are not served")
	flag.Parse()
	o.crds = filepath.Join(o.config, "crd", "bases")
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	if ctx.Err() != nil {
		err = errors.Join(errors.New("interrupted"), err)
	}
	stop()
	if err != nil {
		progress("bench-scale: %v", err)
		os.Exit(1)
	}
}

func parseSizes(list string) ([]int, error) {
	var sizes []int
	for text := range strings.SplitSeq(list, ",") {
		size, err := strconv.Atoi(text)
		if err != nil || size < 1 || size > maxSize {
			return nil, fmt.Errorf("a size must be a number from 1 to %d", maxSize)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// run measures each size in each way, on a control plane of its own, so that nothing is left from one to the next.
func run(ctx context.Context, o options) error {
	if err := configureNetwork(ctx); err != nil {
		return fmt.Errorf("this needs a network namespace of its own, run make bench-scale: %w", err)
	}
	backend, err := newBackend()
	if err != nil {
		return err
	}
	defer backend.close()
	if err := backend.listenForServices(ctx); err != nil {
		return err
	}
	var results []*result
	for _, size := range o.sizes {
		for _, way := range o.ways {
			r, err := measure(ctx, o, backend, way, size)
			if r != nil {
				results = append(results, r)
			}
			if err != nil {
				return errors.Join(fmt.Errorf("%d %s: %w", size, way, err), write(os.Stdout, results))
			}
		}
	}
	return write(os.Stdout, results)
}

// progress reports what is being done; only results go to standard output.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}
