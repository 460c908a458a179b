// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// soon is the time limit for reporting a cause, once the cluster itself reports it.
	soon        = 30 * time.Second
	lateComer   = "e2e-late"
	policyName  = "e2e-no-wardle"
	policyWords = "nobody deploys wardle today"
)

// troubles are faults before a server runs: how each is caused, what the condition Ready then reports verbatim from the
// cluster, and how it is fixed.
var troubles = map[string]struct {
	namespace string
	cause     func(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI)
	reason    string
	words     string
	progress  status.Status
	cure      func(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI)
}{
	"the namespace is missing": {
		namespace: lateComer,
		cause: func(t *testing.T, _ *v1alpha1.ExtensionAPI) {
			t.Helper()
			t.Cleanup(func() { deleteNamespace(t, lateComer) }) // runs after the deletion of the ExtensionAPI
		},
		reason:   v1alpha1.ReasonNamespaceNotFound,
		words:    "kubectl create namespace " + lateComer,
		progress: status.InProgressStatus,
		cure: func(t *testing.T, _ *v1alpha1.ExtensionAPI) {
			t.Helper()
			createNamespace(t, lateComer)
		},
	},
	"the image cannot be pulled": {
		cause: func(_ *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
			container(&extensionAPI.Spec).Image = "extensionapi.dev/nowhere:v0"
		},
		reason:   v1alpha1.ReasonImagePullBackOff,
		words:    `"extensionapi.dev/nowhere:v0"`,
		progress: status.InProgressStatus,
		cure: func(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
			t.Helper()
			image := container(&readSample(t).Spec).Image
			change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { container(spec).Image = image })
		},
	},
	"the server crashes": {
		cause: func(_ *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
			args := &container(&extensionAPI.Spec).Args
			*args = append(*args, "--no-such-flag")
		},
		reason:   v1alpha1.ReasonCrashLoopBackOff,
		words:    "container apiserver terminated with exit code 1 (Error). See its log",
		progress: status.InProgressStatus,
		cure: func(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
			t.Helper()
			change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) {
				container(spec).Args = container(spec).Args[:len(container(spec).Args)-1]
			})
		},
	},
	"a quota leaves no room for Pods": {
		cause: func(t *testing.T, _ *v1alpha1.ExtensionAPI) {
			t.Helper()
			createObject(t, podQuota())
		},
		reason:   v1alpha1.ReasonFailedCreate,
		words:    "exceeded quota: e2e-pods",
		progress: status.InProgressStatus,
		cure: func(t *testing.T, _ *v1alpha1.ExtensionAPI) {
			t.Helper()
			raised := podQuota()
			raised.Spec.Hard[corev1.ResourcePods] = resource.MustParse("10")
			if err := kube.Patch(t.Context(), raised, client.MergeFrom(podQuota())); err != nil {
				t.Fatal(err)
			}
		},
	},
	"a policy denies the Deployment": {
		cause: func(t *testing.T, _ *v1alpha1.ExtensionAPI) {
			t.Helper()
			createObject(t, denyingPolicy())
			createObject(t, denyingBinding())
			eventually(t, time.Minute, denied)
		},
		reason:   v1alpha1.ReasonRejected,
		words:    policyWords,
		progress: status.FailedStatus,
		cure: func(t *testing.T, _ *v1alpha1.ExtensionAPI) {
			t.Helper()
			if err := kube.Delete(t.Context(), denyingBinding()); err != nil {
				t.Fatal(err)
			}
		},
	},
}

func TestFaultsAreReportedVerbatimAndRecover(t *testing.T) {
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			namespace := trouble.namespace
			if namespace == "" {
				namespace = sampleNamespace
			}
			extensionAPI := wardle(t, namespace)
			trouble.cause(t, extensionAPI)
			create(t, extensionAPI)
			t.Logf("reported after %s", eventually(t, soon, shows(extensionAPI, v1alpha1.ConditionReady, metav1.ConditionFalse,
				trouble.reason, "", trouble.progress)))
			eventually(t, soon, states(extensionAPI, trouble.reason, trouble.words))
			if err := notServed("v1beta1")(t.Context()); err != nil {
				t.Error(err)
			}
			trouble.cure(t, extensionAPI)
			t.Logf("Ready %s after the cause was fixed", eventually(t, time.Minute, ready(extensionAPI)))
			eventually(t, soon, served("v1beta1", "v1alpha1"))
		})
	}
}

func container(spec *v1alpha1.ExtensionAPISpec) *corev1.Container {
	return &spec.Server.Template.Spec.Containers[0]
}

// podQuota returns a quota that is used up by etcd.
func podQuota() *corev1.ResourceQuota {
	return &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: sampleNamespace, Name: "e2e-pods"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("1")}},
	}
}

// denied succeeds when the policy is in effect, which takes kube-apiserver a moment.
func denied(ctx context.Context) error {
	_, err := output(ctx, "kubectl", "create", "deployment", "wardle", "--image=none", "--namespace", sampleNamespace,
		"--dry-run=server")
	if err == nil || !strings.Contains(err.Error(), policyWords) {
		return fmt.Errorf("the policy is not in effect yet: %w", err)
	}
	return nil
}

func denyingPolicy() *admissionregistrationv1.ValidatingAdmissionPolicy {
	return &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: policyName},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
					ResourceNames: []string{"wardle"},
					RuleWithOperations: admissionregistrationv1.RuleWithOperations{
						Operations: []admissionregistrationv1.OperationType{
							admissionregistrationv1.Create, admissionregistrationv1.Update,
						},
						Rule: admissionregistrationv1.Rule{
							APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"deployments"},
						},
					},
				}},
			},
			Validations: []admissionregistrationv1.Validation{{Expression: "false", Message: policyWords}},
		},
	}
}

func denyingBinding() *admissionregistrationv1.ValidatingAdmissionPolicyBinding {
	return &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: policyName},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName:        policyName,
			ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}
}
