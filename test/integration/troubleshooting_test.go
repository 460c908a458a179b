// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/test/documented"
)

// troubleshooting has the messages of these tests among those that people look up.
var troubleshooting = documented.From(repository+"/docs/troubleshooting.md", "integration")

// expectDocumented checks that the docs say under that id what the condition says now.
func expectDocumented(t *testing.T, id, name, conditionType string) {
	t.Helper()
	plane.expectDocumented(t, id, name, conditionType)
}

func (p *controlPlane) expectDocumented(t *testing.T, id, name, conditionType string) {
	t.Helper()
	condition := meta.FindStatusCondition(p.get(t, name).Status.Conditions, conditionType)
	troubleshooting.Check(t, id, documented.Text(ptr.Deref(condition, metav1.Condition{})))
}
