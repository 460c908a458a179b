// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestCacheKeyDependsOnEveryInput(t *testing.T) {
	keys := map[string][]string{}
	for _, inputs := range [][]string{
		{"a", "b"}, {"b", "a"}, {"ab"}, {"a", "b", ""}, {"a"}, {},
	} {
		key := cacheKey(inputs)
		if other, ok := keys[key]; ok {
			t.Errorf("%q and %q have the same key %s", inputs, other, key)
		}
		if key != cacheKey(inputs) {
			t.Errorf("%q has two keys", inputs)
		}
		keys[key] = inputs
	}
}

func TestChoose(t *testing.T) {
	all, err := choose(programs, nil)
	if err != nil || len(all) != len(programs) {
		t.Errorf("no names: got %d programs and error %v, want all", len(all), err)
	}
	some, err := choose(programs, []string{"etcd", "kubectl"})
	if err != nil || len(some) != 2 || some[0].name != "etcd" || some[1].name != "kubectl" {
		t.Errorf("etcd kubectl: got %v, %v", some, err)
	}
	_, err = choose(programs, []string{"etcdctl"})
	if err == nil || !strings.Contains(err.Error(), "available are kube-apiserver") {
		t.Errorf("unknown name: got error %v, want one that lists the programs", err)
	}
	if _, err := choose(programs, nodePrograms()); err != nil {
		t.Errorf("the node needs unknown programs: %v", err)
	}
}
