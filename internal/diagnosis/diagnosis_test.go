// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

const (
	apiServiceName = snapshottest.APIServiceName
	testLimit      = snapshottest.Limit
)

var (
	noon         = snapshottest.Noon
	groupVersion = snapshottest.GroupVersion
	fine, slow   = snapshottest.Fine, snapshottest.Slow
)

// after returns a snapshot in which a condition has been reported earlier.
func after(conditionType string, reported finding.Finding) *snapshot.Snapshot {
	s := snapshottest.New()
	snapshottest.Report(s, conditionType, reported.Status, reported.Code, reported.Message())
	return s
}

// refusing returns a snapshot with an APIService whose server refuses kube-apiserver.
func refusing(missing ...string) *snapshot.Snapshot {
	s := snapshottest.New()
	snapshottest.Register(s, snapshottest.CheckFailed(
		"bad status from https://10.0.0.7:8443/apis/wardle.example.com/v1: 403"))
	s.Layer = snapshot.Layer{Missing: missing, Looked: true}
	return s
}
