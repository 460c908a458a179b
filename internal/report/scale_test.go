// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestTheStatusHasTheScaleOfTheServer(t *testing.T) {
	running := snapshot.Workload{Deployment: &appsv1.Deployment{Status: appsv1.DeploymentStatus{Replicas: 3}}}
	const selector = "aggregation.extensionapi.dev/extensionapi=wardle,app.kubernetes.io/component=server"
	for name, test := range map[string]struct {
		s        *snapshot.Snapshot
		server   snapshot.Known[snapshot.Workload]
		replicas *int32
		selector string
	}{
		"running":           {snapshottest.New(), snapshot.Of(running, nil), new(int32(3)), selector},
		"without a server":  {snapshottest.New(), snapshot.Of(snapshot.Workload{}, nil), new(int32(0)), selector},
		"unknown":           {snapshottest.New(), snapshot.Of(running, errors.New("timeout")), new(int32(2)), selector},
		"another's Service": {snapshottest.BehindExistingService(), snapshot.Known[snapshot.Workload]{}, new(int32(2)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			test.s.Server = test.server
			status := v1alpha1.ExtensionAPIStatus{Replicas: new(int32(2))} // as it was before
			Reconciliation{Snapshot: test.s}.describeScale(&status)
			if !ptr.Equal(status.Replicas, test.replicas) || status.Selector != test.selector {
				t.Errorf("it is %v and %q", ptr.Deref(status.Replicas, -1), status.Selector)
			}
		})
	}
}
