// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/test/documented"
)

// troubleshooting are the messages of these tests in docs/troubleshooting.
var troubleshooting = documented.From(repository+"/docs/troubleshooting", "integration")

// expectDocumented checks that the docs have the current message of the condition under the id.
func expectDocumented(t *testing.T, id, name, conditionType string) {
	t.Helper()
	plane.expectDocumented(t, id, name, conditionType)
}

func (p *controlPlane) expectDocumented(t *testing.T, id, name, conditionType string) {
	t.Helper()
	condition := meta.FindStatusCondition(p.get(t, name).Status.Conditions, conditionType)
	troubleshooting.Check(t, id, documented.Text(ptr.Deref(condition, metav1.Condition{})))
}
