// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
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

func TestKubernetesVersionIsTheOneOfTheModule(t *testing.T) {
	module, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(module), "k8s.io/kubernetes "+kubernetesVersion) {
		t.Errorf("go.mod does not require k8s.io/kubernetes %s: change kubernetesVersion with it", kubernetesVersion)
	}
}

func TestChoose(t *testing.T) {
	all, err := choose(nil)
	if err != nil || len(all) != len(programs) {
		t.Errorf("no names: got %d programs and error %v, want all", len(all), err)
	}
	some, err := choose([]string{"etcd", "kubectl"})
	if err != nil || len(some) != 2 || some[0].name != "etcd" || some[1].name != "kubectl" {
		t.Errorf("etcd kubectl: got %v, %v", some, err)
	}
	if _, err := choose([]string{"etcdctl"}); err == nil || !strings.Contains(err.Error(), "there are kube-apiserver") {
		t.Errorf("unknown name: got error %v, want one that lists the programs", err)
	}
	if _, err := choose(nodePrograms()); err != nil {
		t.Errorf("the node asks for more than there is: %v", err)
	}
}
