// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/test/holders"
)

func TestObjectDeniedByAPolicyIsRetriedUntilAllowed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		denied        client.Object
		rule          admissionregistrationv1.Rule
		conditionType string
	}{
		{
			"deny-secret",
			&corev1.Secret{ObjectMeta: in("deny-secret", manifests.ServingSecretName("deny-secret"))},
			ruleFor(corev1.SchemeGroupVersion, "secrets"),
			v1alpha1.ConditionCertificatesReady,
		},
		{
			"deny-deployment",
			otherDeployment(in("deny-deployment", "deny-deployment")),
			ruleFor(appsv1.SchemeGroupVersion, "deployments"),
			v1alpha1.ConditionServerAvailable,
		},
		{
			"deny-binding",
			otherBinding(manifests.AuthDelegatorName("deny-binding")),
			ruleFor(rbacv1.SchemeGroupVersion, "clusterrolebindings"),
			v1alpha1.ConditionServerAvailable,
		},
	} {
		t.Run(test.denied.GetName(), func(t *testing.T) {
			t.Parallel()
			createNamespace(t, test.name)
			allow := deny(t, test.name, test.rule, test.denied)
			apply(t, served(test.name))
			await(t, test.name, status.FailedStatus,
				isFalse(test.conditionType, v1alpha1.ReasonRejected, test.denied.GetName(), sunday, "retrying"),
				isTrue(v1alpha1.ConditionStalled, v1alpha1.ReasonRejected, sunday))
			allow()
			awaitRollout(t, test.name)
		})
	}
}

func TestAPIServiceDeniedByAPolicyIsRetriedUntilAllowed(t *testing.T) {
	t.Parallel()
	const name = "deny-apiservice"
	backend, _ := startBackend(t, name, "v1")
	denied := holders.APIService(name)
	allow := deny(t, name, ruleFor(apiregistrationv1.SchemeGroupVersion, "apiservices"), denied)
	apply(t, backend.declare(groups(name+".example.com", "v1")))
	await(t, name, status.FailedStatus,
		isFalse(v1alpha1.ConditionRegistered, v1alpha1.ReasonRejected, denied.Name, sunday),
		isFalse(v1alpha1.ConditionAPIServicesAvailable, v1alpha1.ReasonNotRegistered))
	allow()
	awaitRegistered(t, name)
}

func TestExhaustedQuotaIsReportedVerbatimAndRecovers(t *testing.T) {
	t.Parallel()
	const name = "quota"
	createNamespace(t, name)
	none := corev1.ResourceList{"count/deployments.apps": resource.MustParse("0")}
	quota := &corev1.ResourceQuota{
		ObjectMeta: in(name, "none"),
		Spec:       corev1.ResourceQuotaSpec{Hard: none},
	}
	create(t, quota)
	quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
	if err := plane.client.Status().Update(ctx, quota); err != nil {
		t.Fatal(err)
	}
	apply(t, served(name))
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRejected,
		"exceeded quota: none, requested: count/deployments.apps=1, used: count/deployments.apps=0"))
	expectDocumented(t, "deployment-refused", name, v1alpha1.ConditionServerAvailable)
	deleteNow(t, quota)
	awaitRollout(t, name)
}

func TestInvalidPodTemplateIsReportedVerbatimAndRecovers(t *testing.T) {
	t.Parallel()
	const name = "bad-template"
	createNamespace(t, name)
	extensionAPI := served(name)
	extensionAPI.Spec.Server.Template.Labels = map[string]string{"not a label": ""}
	apply(t, extensionAPI)
	await(t, name, status.FailedStatus, isFalse(v1alpha1.ConditionServerAvailable, v1alpha1.ReasonRejected,
		`Deployment.apps "bad-template" is invalid: spec.template.labels: Invalid value: "not a label"`))
	change(t, named(name), func(e *v1alpha1.ExtensionAPI) { e.Spec.Server.Template.Labels = nil })
	awaitRollout(t, name)
}

// sunday is the message of the tests' admission policies.
const sunday = "not on a Sunday"

func ruleFor(groupVersion schema.GroupVersion, resource string) admissionregistrationv1.Rule {
	return admissionregistrationv1.Rule{
		APIGroups: []string{groupVersion.Group}, APIVersions: []string{groupVersion.Version}, Resources: []string{resource},
	}
}

// deny makes the API server deny the creation of an object of that name until allow is called.
func deny(t *testing.T, name string, rule admissionregistrationv1.Rule, denied client.Object) (allow func()) {
	t.Helper()
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: in("", name),
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionregistrationv1.MatchResources{
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{
					RuleWithOperations: admissionregistrationv1.RuleWithOperations{
						Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create}, Rule: rule,
					},
				}},
			},
			Validations: []admissionregistrationv1.Validation{{
				Expression: fmt.Sprintf("object.metadata.name != %q", denied.GetName()), Message: sunday,
			}},
		},
	}
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: in("", name),
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName:        name,
			ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}
	create(t, policy)
	create(t, binding)
	// A policy takes effect slightly after its creation.
	eventually(t, func() error {
		err := plane.client.Create(ctx, denied, client.DryRunAll)
		if err == nil || !strings.Contains(err.Error(), sunday) {
			return fmt.Errorf("the policy is not in effect: %w", err)
		}
		return nil
	})
	return func() {
		deleteNow(t, binding)
		deleteNow(t, policy)
	}
}
