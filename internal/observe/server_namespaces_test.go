// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"maps"
	"slices"
	"testing"
)

func TestServerNamespaces(t *testing.T) {
	for name, test := range map[string]struct {
		confinedTo []string
		refused    string
		namespace  string
		included   bool
	}{
		"one that is not confined runs servers in every namespace": {nil, "", "any", true},
		"a confined one runs them in those that are named":         {[]string{"shop", "stock"}, "", "stock", true},
		"a confined one runs none in its own":                      {[]string{"shop", "system"}, "", "system", false},
		"a confined one runs none elsewhere":                       {[]string{"shop", "stock"}, "", "any", false},
		"a confined one goes without what it is refused":           {[]string{"shop", "stock"}, "stock", "stock", false},
		"it stays confined if it is refused all":                   {[]string{"shop"}, "shop", "any", false},
	} {
		t.Run(name, func(t *testing.T) {
			confined := confine("system", test.confinedTo, func(namespace string) bool { return namespace == test.refused })
			if included := confined.include(test.namespace); included != test.included {
				t.Errorf("namespace %s is included: %t", test.namespace, included)
			}
		})
	}
}

// TestConfinedOperatorNeverWatchesEveryNamespace holds on to what a cache takes for every namespace: none.
func TestConfinedOperatorNeverWatchesEveryNamespace(t *testing.T) {
	for name, test := range map[string]struct {
		confinedTo []string
		watched    []string
	}{
		"an operator that is not confined watches every namespace": {nil, nil},
		"a confined one watches its own, and those that are named": {[]string{"shop", "stock"}, []string{"shop", "system"}},
		"one that is refused all watches its own":                  {[]string{"stock"}, []string{"system"}},
	} {
		t.Run(name, func(t *testing.T) {
			confined := confine("system", test.confinedTo, func(namespace string) bool { return namespace == "stock" })
			if watched := slices.Sorted(maps.Keys(confined.Cached())); !slices.Equal(watched, test.watched) {
				t.Errorf("it watches %q, and not %q", watched, test.watched)
			}
			// Bindings are in the namespaces of servers and in kube-system, and not in the operator's own.
			bindings := confined.CachedWith("kube-system")
			_, own := bindings["system"]
			if _, further := bindings["kube-system"]; own || further != (test.watched != nil) {
				t.Errorf("it watches bindings in %q", slices.Sorted(maps.Keys(bindings)))
			}
		})
	}
}
