// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestStorageImagesAreOfTheVersionsThatAreTested compares the chart's defaults with those of the program, and their
// tags with hack/storage/go.mod, from which the images of the end-to-end tests are built.
func TestStorageImagesAreOfTheVersionsThatAreTested(t *testing.T) {
	tested, program := string(readFile(t, "hack/storage/go.mod")), string(readFile(t, "main.go"))
	for value, module := range map[string]string{
		"storage.etcdImage": "go.etcd.io/etcd/server/v3", "storage.kineImage": "github.com/k3s-io/kine",
	} {
		image, _ := valueOf(t, defaults(t), value).(string)
		_, tag, _ := strings.Cut(image, ":")
		found := regexp.MustCompile(regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(tested)
		if len(found) != 2 || found[1] != tag {
			t.Errorf("%s is %s, but %s is tested with %q", value, image, module, found)
		}
		if !strings.Contains(program, `"`+image+`"`) {
			t.Errorf("%s is %s, but the program has another default", value, image)
		}
	}
}
