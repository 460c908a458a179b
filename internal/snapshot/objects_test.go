// SPDX-License-Identifier: Apache-2.0

package snapshot_test

import (
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

// A Pod that is recreated has the same template, as the part of its name before the last hyphen says.
func TestPodsOfAnotherOwnerDifferByTheirReplicaSets(t *testing.T) {
	version := func(pods ...string) string {
		s := snapshottest.BehindExistingService()
		snapshottest.Change(&s.Endpoints, func(behind *snapshot.Endpoints) {
			behind.Ready = nil
			for _, pod := range pods {
				behind.Ready = append(behind.Ready, endpoints.Endpoint{Pod: pod})
			}
		})
		return s.ObjectsVersion()
	}
	if version("api-7c9-x", "api-7c9-y") != version("api-7c9-z") {
		t.Error("a recreated Pod is another version")
	}
	if version("api-7c9-x") == version("api-8d0-x") {
		t.Error("a Pod of another template is the same version")
	}
}

func TestGroupVersionsAreAnotherVersionOfObjects(t *testing.T) {
	s := snapshottest.New()
	registered := s.ObjectsVersion()
	snapshottest.Unregister(s)
	if s.ObjectsVersion() == registered {
		t.Error("without a registration it is the same version")
	}
}
