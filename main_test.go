// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
)

func TestTheOperatorIsReadyWhenItsCachesHaveSynced(t *testing.T) {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", http.NoBody)
	for synced, wanted := range map[bool]string{
		true:  "",
		false: "not everything that the operator watches has been read yet: look for errors in its log",
	} {
		said := ""
		if err := hasSynced(&informertest.FakeInformers{Synced: &synced})(request); err != nil {
			said = err.Error()
		}
		if said != wanted {
			t.Errorf("with synced caches %t, readiness says %q instead of %q", synced, said, wanted)
		}
	}
}
