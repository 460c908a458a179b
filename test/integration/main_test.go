// SPDX-License-Identifier: Apache-2.0

// Package integration tests the operator on a real kube-apiserver and etcd, with real extension API servers behind the
// aggregation layer.
//
// There is no controller manager, no scheduler and no kubelet: Pods never start, and the tests write what those
// components would write. Everything listens on loopback; kube-apiserver reaches an extension API server there through
// a Service of type ExternalName.
package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/extensionapi/extensionapi-operator/test/suite"
)

var (
	// ctx outlives t.Context(), so that cleanups can use it.
	ctx = context.Background()
	// Shared by all tests: starting a control plane takes longer than most of them.
	plane   *controlPlane
	running *operator
)

func TestMain(m *testing.M) {
	logger := zap.New(zap.WriteTo(os.Stderr))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration tests:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if err := checkPrograms(); err != nil {
		return 0, err
	}
	if plane, err = startControlPlane(""); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, plane.stop()) }()
	stopCertManager, err := startCertManager(plane)
	if err != nil {
		return 0, err
	}
	defer stopCertManager()
	if running, err = startOperator(plane, installed); err != nil {
		return 0, err
	}
	defer func() { running.stop() }()
	// Tests mostly wait, so their parallelism does not depend on the number of processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		return 0, err
	}
	code = m.Run()
	if code == 0 && suite.IsWhole() {
		err = errors.Join(checkPermissions(plane), troubleshooting.CheckAllMet())
	}
	return code, err
}
