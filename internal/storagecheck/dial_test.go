// SPDX-License-Identifier: Apache-2.0

package storagecheck

import (
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

func TestNothingLinkLocalIsConnectedTo(t *testing.T) {
	for _, protocol := range []storage.Protocol{storage.PlainEtcd, storage.PostgreSQL} {
		for _, address := range []string{"169.254.169.254:80", "[::ffff:169.254.169.254]:80", "[fe80::1]:80"} {
			target := storage.Target{Endpoints: []storage.Endpoint{{Protocol: protocol, Address: address, Dial: address}}}
			err := Look(t.Context(), target).Endpoints[address].Err
			if err == nil || !strings.Contains(err.Error(), "link-local") {
				t.Errorf("%s at %s: %v", protocol, address, err)
			}
		}
	}
}
