// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
)

const (
	policies = "validatingadmissionpolicies"
	bindings = "validatingadmissionpolicybindings"
	// policyTimeout is how long a server may take to load a policy, and policyInterval the time between two attempts.
	policyTimeout  = 30 * time.Second
	policyInterval = time.Second
)

// admission creates a policy against the dry run of one object, and waits until the server rejects that. The policy
// matches nothing else, and is deleted in any case. kube-apiserver calls no policy for objects of other servers, so
// whether there is a rejection depends on the server alone.
func (t *tester) admission(ctx context.Context) (err error) {
	if len(t.accepted) == 0 {
		return skippedError{"no dry run passed, so a rejection would say nothing"}
	}
	if err := t.mayCreatePolicies(ctx); err != nil {
		return err
	}
	tried, name := t.accepted[0], "kubectl-extensionapi-policy-"+rand.String(10)
	defer func() {
		if left := t.deletePolicy(ctx, name); left != nil {
			err = fmt.Errorf("%w; delete what is left: kubectl delete %s,%s %s", left, policies, bindings, name)
		}
	}()
	policy := policyAgainst(tried, name)
	for _, created := range []struct {
		resource string
		object   any
	}{{policies, policy}, {bindings, bindingOf(policy)}} {
		if err := t.createPolicy(ctx, created.resource, created.object); err != nil {
			return err
		}
	}
	return t.awaitRejection(ctx, tried, name)
}

func (t *tester) mayCreatePolicies(ctx context.Context) error {
	permitted := objectcheck.PermissionOf(t.cluster.Client)
	for _, resource := range []string{policies, bindings} {
		for _, verb := range []string{"create", "delete"} {
			switch allowed, err := permitted(ctx, verb, admissionv1.SchemeGroupVersion.WithResource(resource)); {
			case err != nil:
				return err
			case !allowed:
				return skippedError{fmt.Sprintf("not permitted to %s %s", verb, resource)}
			}
		}
	}
	return nil
}

// policyAgainst rejects the dry run of a creation of one object.
func policyAgainst(tried candidate, name string) *admissionv1.ValidatingAdmissionPolicy {
	version := tried.resource.GroupVersion
	return &admissionv1.ValidatingAdmissionPolicy{
		TypeMeta:   typeOf("ValidatingAdmissionPolicy"),
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: new(admissionv1.Fail),
			MatchConstraints: &admissionv1.MatchResources{
				MatchPolicy: new(admissionv1.Exact),
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Create},
					Rule: admissionv1.Rule{
						APIGroups: []string{version.Group}, APIVersions: []string{version.Version},
						Resources: []string{tried.resource.Name},
					},
				}}},
			},
			MatchConditions: []admissionv1.MatchCondition{{
				Name: "dry-run-of-one-object",
				Expression: fmt.Sprintf("has(request.dryRun) && request.dryRun && object.metadata.name == %q",
					tried.object.GetName()),
			}},
			Validations: []admissionv1.Validation{{
				Expression: "false", Message: "kubectl extensionapi check expects this rejection",
			}},
		},
	}
}

func bindingOf(policy *admissionv1.ValidatingAdmissionPolicy) *admissionv1.ValidatingAdmissionPolicyBinding {
	return &admissionv1.ValidatingAdmissionPolicyBinding{
		TypeMeta:   typeOf("ValidatingAdmissionPolicyBinding"),
		ObjectMeta: policy.ObjectMeta,
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: policy.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	}
}

func typeOf(kind string) metav1.TypeMeta {
	version, kind := admissionv1.SchemeGroupVersion.WithKind(kind).ToAPIVersionAndKind()
	return metav1.TypeMeta{APIVersion: version, Kind: kind}
}

func policyPath(resource, name string) string {
	return "/apis/" + admissionv1.SchemeGroupVersion.String() + "/" + resource + name
}

func (t *tester) createPolicy(ctx context.Context, resource string, object any) error {
	content, err := json.Marshal(object)
	if err != nil {
		return err
	}
	answer, err := t.send(ctx, http.MethodPost, policyPath(resource, "?fieldManager=kubectl-extensionapi"), content)
	switch {
	case err != nil:
		return err
	case answer.status == http.StatusNotFound:
		return skippedError{"kube-apiserver does not serve ValidatingAdmissionPolicies"}
	case !answer.succeeded():
		return fmt.Errorf("%s cannot be created: %s", resource, answer.text)
	default:
		return nil
	}
}

// deletePolicy deletes binding and policy, also after an interruption.
func (t *tester) deletePolicy(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	var left error
	for _, resource := range []string{bindings, policies} {
		answer, err := t.send(ctx, http.MethodDelete, policyPath(resource, "/"+name), nil)
		if err == nil && !answer.succeeded() && answer.status != http.StatusNotFound {
			err = fmt.Errorf("%s cannot be deleted: %s", resource, answer.text)
		}
		left = errors.Join(left, err)
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
			return notedError{fmt.Sprintf("%s were rejected after %s", tried.resource.Name,
				t.clock.Since(start).Round(time.Second))}
		case t.clock.Since(start) >= policyTimeout:
			return notRejected(answer)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.clock.After(policyInterval):
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
