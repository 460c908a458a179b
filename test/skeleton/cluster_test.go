// SPDX-License-Identifier: Apache-2.0

package skeleton

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// clusterWithPolicy starts a kube-apiserver and an etcd with an admission policy for the groups of the project, and
// returns the path of its kubeconfig.
func clusterWithPolicy(t *testing.T) string {
	t.Helper()
	ctrl.SetLogger(klog.Background())
	cluster := &envtest.Environment{UseExistingCluster: new(false), ControlPlaneStartTimeout: 3 * time.Minute}
	config, err := cluster.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []client.Object{policy(), binding()} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, cluster.KubeConfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func policy() *admissionregistrationv1.ValidatingAdmissionPolicy {
	rule := admissionregistrationv1.NamedRuleWithOperations{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule: admissionregistrationv1.Rule{
			APIGroups: []string{"gears.example.com", "billing.example.com"}, APIVersions: []string{"*"},
			Resources: []string{"*"},
		},
	}}
	return &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "skeleton"},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{rule},
			},
			Validations: []admissionregistrationv1.Validation{
				{Expression: "object.spec.message != 'forbidden'", Message: "the policy of the test"},
			},
		},
	}
}

func binding() *admissionregistrationv1.ValidatingAdmissionPolicyBinding {
	return &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "skeleton"},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: "skeleton", ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}
}
