// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"testing"

	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestOnlyAnotherServiceOrLostTrustChangesTheBackend(t *testing.T) {
	signer, other := newSigner(t), newSigner(t)
	bundle, both := signer.Certificate, slices.Concat(other.Certificate, signer.Certificate)
	extensionAPI := snapshottest.BehindExistingService().ExtensionAPI
	existing := snapshottest.APIService()
	existing.Spec.CABundle = bundle
	existing.Spec.Service = &apiregistrationv1.ServiceReference{
		Namespace: snapshottest.Namespace, Name: snapshottest.Name, Port: new(int32(443)),
	}
	existing.Spec.VersionPriority = 100

	if changesBackend(existing, manifests.APIServices(extensionAPI, both)[0]) {
		t.Error("a bundle that only grows counts as a change")
	}
	tests := map[string]struct {
		change     func()
		want, less bool
	}{
		"nothing":               {func() {}, false, true},
		"other priorities only": {func() { existing.Spec.GroupPriorityMinimum = 1 }, false, false},
		"another bundle":        {func() { existing.Spec.CABundle = other.Certificate }, true, false},
		"a smaller bundle":      {func() { existing.Spec.CABundle = both }, true, true},
		"a damaged bundle":      {func() { existing.Spec.CABundle = []byte("rubbish") }, true, false},
		"another Service":       {func() { existing.Spec.Service.Name = "c" }, true, false},
		"another port":          {func() { existing.Spec.Service.Port = new(int32(444)) }, true, false},
		"no Service":            {func() { existing.Spec.Service = nil }, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := existing.DeepCopy()
			defer func() { existing = before }()
			test.change()
			wanted := manifests.APIServices(extensionAPI, bundle)[0]
			if got := changesBackend(existing, wanted); got != test.want {
				t.Errorf("changes the backend: %v", got)
			}
			if got := onlyDropsTrust(existing, wanted); got != test.less {
				t.Errorf("only drops trust: %v", got)
			}
		})
	}
}
