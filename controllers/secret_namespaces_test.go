// SPDX-License-Identifier: Apache-2.0

package controllers

import "testing"

func TestSecretNamespaces(t *testing.T) {
	for name, test := range map[string]struct {
		confinedTo []string
		refused    string
		namespace  string
		included   bool
	}{
		"an operator that is not confined reaches every namespace": {nil, "", "any", true},
		"a confined one reaches those that are named":              {[]string{"shop", "stock"}, "", "stock", true},
		"a confined one reaches its own, too":                      {[]string{"shop", "stock"}, "", "system", true},
		"a confined one reaches no other":                          {[]string{"shop", "stock"}, "", "any", false},
		"a confined one goes without those that it is refused":     {[]string{"shop", "stock"}, "stock", "stock", false},
		"it stays confined if it is refused all":                   {[]string{"shop"}, "shop", "any", false},
		"it never goes without its own":                            {[]string{"system"}, "system", "system", true},
	} {
		t.Run(name, func(t *testing.T) {
			confined := confine("system", test.confinedTo, func(namespace string) bool { return namespace == test.refused })
			if included := confined.include(test.namespace); included != test.included {
				t.Errorf("namespace %s is included: %t", test.namespace, included)
			}
		})
	}
}
