// SPDX-License-Identifier: Apache-2.0

package controllers

import "testing"

func TestSecretNamespaces(t *testing.T) {
	for name, test := range map[string]struct {
		confinedTo []string
		namespace  string
		included   bool
	}{
		"an operator that is not confined reaches every namespace": {nil, "any", true},
		"a confined one reaches those that are named":              {[]string{"shop", "stock"}, "stock", true},
		"a confined one reaches its own, too":                      {[]string{"shop", "stock"}, "system", true},
		"a confined one reaches no other":                          {[]string{"shop", "stock"}, "any", false},
	} {
		t.Run(name, func(t *testing.T) {
			if included := ConfineSecrets("system", test.confinedTo).include(test.namespace); included != test.included {
				t.Errorf("namespace %s is included: %t", test.namespace, included)
			}
		})
	}
}
