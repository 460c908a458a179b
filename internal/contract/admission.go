// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/kinds"
)

const (
	// policyTimeout is how long a server may take to load a policy, and policyInterval the time between two attempts.
	policyTimeout  = 30 * time.Second
	policyInterval = time.Second
	// leftAfter is the age from which a policy was left by a run that ended before its end. It is long, as the clock of
	// this machine may differ from that of kube-apiserver.
	leftAfter = 10 * time.Minute
)

// ofThisTest selects the policies of this test.
var ofThisTest = client.MatchingLabels{"app.kubernetes.io/managed-by": "kubectl-extensionapi"}

// admission creates a policy against the dry run of one object, and waits until the server rejects that. The policy
// matches nothing else, and is deleted in any case. kube-apiserver calls no policy for objects of other servers, so
// whether there is a rejection depends on the server alone.
func (t *tester) admission(ctx context.Context) (err error) {
	if len(t.accepted) == 0 {
		return skippedError{"no dry run passed, so a rejection would say nothing"}
	}
	for _, resource := range []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings"} {
		of := admissionregistrationv1.SchemeGroupVersion.WithResource(resource)
		if err := t.permitted(ctx, of, "list", "create", "delete"); err != nil {
			return err
		}
	}
	if err := t.deleteLeftovers(ctx); err != nil {
		return err
	}
	tried := t.accepted[0]
	policy, binding := policyAgainst(tried, newName())
	defer func() {
		if left := t.deletePolicies(ctx, binding, policy); left != nil {
			err = left
		}
	}()
	for _, object := range []client.Object{policy, binding} {
		if err := t.cluster.Client.Create(ctx, object); err != nil {
			return skippedError{"the policy cannot be created: " + err.Error()}
		}
	}
	return t.awaitRejection(ctx, tried, policy.Name)
}

// policyAgainst rejects the dry run of a creation of one object.
func policyAgainst(
	tried candidate, name string,
) (*admissionregistrationv1.ValidatingAdmissionPolicy, *admissionregistrationv1.ValidatingAdmissionPolicyBinding) {
	version, meta := tried.resource.GroupVersion, metav1.ObjectMeta{Name: name, Labels: ofThisTest}
	creation := admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule: admissionregistrationv1.Rule{
			APIGroups: []string{version.Group}, APIVersions: []string{version.Version},
			Resources: []string{tried.resource.Name},
		},
	}
	spec := admissionregistrationv1.ValidatingAdmissionPolicySpec{
		FailurePolicy: new(admissionregistrationv1.Fail),
		MatchConstraints: &admissionregistrationv1.MatchResources{
			MatchPolicy:   new(admissionregistrationv1.Exact),
			ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: creation}},
		},
		MatchConditions: []admissionregistrationv1.MatchCondition{{
			Name: "dry-run-of-one-object",
			Expression: fmt.Sprintf("has(request.dryRun) && request.dryRun && object.metadata.name == %q",
				tried.object.GetName()),
		}},
		Validations: []admissionregistrationv1.Validation{{
			Expression: "false", Message: "kubectl extensionapi check expects this rejection",
		}},
	}
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: meta, Spec: spec}
	return policy, &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: meta,
		Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name, ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		},
	}
}

// deleteLeftovers deletes what an earlier run could not delete any more.
func (t *tester) deleteLeftovers(ctx context.Context) error {
	policies := &admissionregistrationv1.ValidatingAdmissionPolicyList{}
	bindings := &admissionregistrationv1.ValidatingAdmissionPolicyBindingList{}
	err := t.cluster.Client.List(ctx, policies, ofThisTest)
	if kinds.IsUnknown(err) {
		return skippedError{"kube-apiserver does not serve ValidatingAdmissionPolicies"}
	}
	if err := errors.Join(err, t.cluster.Client.List(ctx, bindings, ofThisTest)); err != nil {
		return err
	}
	var left []client.Object
	for i := range bindings.Items {
		left = append(left, &bindings.Items[i])
	}
	for i := range policies.Items {
		left = append(left, &policies.Items[i])
	}
	return t.deletePolicies(ctx, olderThan(left, t.clock.Now().Add(-leftAfter))...)
}

func olderThan(objects []client.Object, limit time.Time) (older []client.Object) {
	for _, object := range objects {
		if object.GetCreationTimestamp().Time.Before(limit) {
			older = append(older, object)
		}
	}
	return older
}

// deletePolicies deletes policies and bindings, also after an interruption.
func (t *tester) deletePolicies(ctx context.Context, objects ...client.Object) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	var left error
	for _, object := range objects {
		if err := client.IgnoreNotFound(t.cluster.Client.Delete(ctx, object)); err != nil {
			kind, _ := t.cluster.Client.GroupVersionKindFor(object) // a request would have failed without
			left = errors.Join(left, fmt.Errorf("the policy is left, delete it with kubectl delete %s %s: %w",
				strings.ToLower(kind.Kind), object.GetName(), err))
		}
	}
	return left
}

// awaitRejection repeats the dry run until the policy rejects it.
func (t *tester) awaitRejection(ctx context.Context, tried candidate, policy string) error {
	start := t.clock.Now()
	for {
		answer, err := t.create(ctx, tried)
		switch {
		case err != nil:
			return err
		case !answer.succeeded() && bytes.Contains(answer.body, []byte(policy)):
			return notedError{"the dry run of " + tried.resource.Name + " was rejected"}
		case t.clock.Since(start) >= policyTimeout:
			return notRejected(answer)
		}
		if err := t.pause(ctx, policyInterval); err != nil {
			return err
		}
	}
}

func notRejected(last answer) error {
	if last.succeeded() {
		return fmt.Errorf("a policy that rejects a creation was not called within %s: whatever policies of the cluster "+
			"require does not hold for this API", policyTimeout)
	}
	return fmt.Errorf("no answer names the policy within %s; the last one: %s", policyTimeout, last.text)
}
