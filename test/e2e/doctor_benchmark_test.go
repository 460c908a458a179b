// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// BenchmarkDoctor examines a cluster that has 208 aggregated APIServices more, each with its objects.
func BenchmarkDoctor(b *testing.B) {
	extensionAPI := manyGroupVersions("many", 16, 13)
	createUntilCleanup(b, extensionAPI)
	eventually(b, 10*time.Minute, isHealthy(extensionAPI))
	for b.Loop() {
		if out, code, err := runPlugin(b.Context(), "doctor"); err != nil || code > 1 { // 1: warnings
			b.Fatalf("exit code %d, %v: %s", code, err, out)
		}
	}
}

// manyGroupVersions has as many versions of each group.
func manyGroupVersions(name string, groups, versions int) *v1alpha1.ExtensionAPI {
	names := make([]string, versions)
	for i := range names {
		names[i] = fmt.Sprintf("v%d", i+1)
	}
	extensionAPI := faultServerAPI(name, "g1."+name+".example.com", names...)
	server := &extensionAPI.Spec.Server.Template.Spec.Containers[0]
	for i := 2; i <= groups; i++ {
		next := faultServerAPI(name, fmt.Sprintf("g%d.%s.example.com", i, name), names...)
		extensionAPI.Spec.Groups = append(extensionAPI.Spec.Groups, next.Spec.Groups...)
		server.Args = append(server.Args, next.Spec.Server.Template.Spec.Containers[0].Args...)
	}
	return extensionAPI
}
