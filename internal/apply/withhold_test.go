// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"slices"
	"sync"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestWithheldChangesAreNamedOnceAndInOrder(t *testing.T) {
	var withheld Withheld
	if names := withheld.Names(); len(names) > 0 {
		t.Errorf("at first there are %v", names)
	}
	var adding sync.WaitGroup
	for range 3 {
		adding.Go(func() { withheld.Add("Service", client.ObjectKey{Namespace: "a", Name: "b"}) })
		adding.Go(func() { withheld.Add("APIService", client.ObjectKey{Name: "v1.a"}) })
	}
	adding.Wait()
	if names, want := withheld.Names(), []string{"APIService v1.a", "Service a/b"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}
