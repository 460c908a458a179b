// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const admissionCase = "ValidatingAdmissionPolicies are called"

func TestAPolicyIsExpectedToRejectTheDryRun(t *testing.T) {
	for name, test := range map[string]struct {
		shop   *shop
		denied string
		want   Status
		detail string
		// created and deleted are the numbers of policies and bindings.
		created, deleted int
	}{
		"called": {shop: &shop{callsPolicies: true}, want: Passed, detail: "was rejected", created: 2, deleted: 2},
		"not called": {
			shop: &shop{}, want: Failed, detail: "was not called within 30s", created: 2, deleted: 2,
		},
		"no dry run passed": {shop: &shop{ignoresDryRun: true}, want: Skipped, detail: "no dry run passed"},
		"not permitted": {
			shop: &shop{callsPolicies: true}, denied: "list",
			want: Skipped, detail: "not permitted to list validatingadmissionpolicies",
		},
		"refused by a policy of the cluster": {
			shop: &shop{callsPolicies: true, refused: map[string]int{"POST policies": http.StatusForbidden}},
			want: Skipped, detail: "the policy cannot be created: refused", deleted: 2,
		},
		"not served": {
			shop: &shop{refused: map[string]int{"GET policies": http.StatusNotFound}},
			want: Skipped, detail: "does not serve ValidatingAdmissionPolicies",
		},
		"not deleted": {
			shop: &shop{callsPolicies: true, refused: map[string]int{"DELETE policies": http.StatusForbidden}},
			want: Failed, detail: "kubectl delete validatingadmissionpolicy kubectl-extensionapi-", created: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			result := resultOf(t, test.shop, admissionCase, Options{Admission: true}, test.denied)
			if result.Status != test.want || !strings.Contains(result.Detail, test.detail) {
				t.Errorf("got %+v, want %s, %q", result, test.want, test.detail)
			}
			if len(test.shop.policies) != test.created || len(test.shop.deleted) != test.deleted {
				t.Errorf("created %q, deleted %q", test.shop.policies, test.shop.deleted)
			}
		})
	}
}

func TestPoliciesThatAnEarlierRunLeftAreDeleted(t *testing.T) {
	kept := func(name, created string) string {
		return fmt.Sprintf(`{"metadata":{"name":%q,"creationTimestamp":%q}}`, name, created)
	}
	s := &shop{callsPolicies: true, kept: []string{
		kept("old", "2026-01-01T11:00:00Z"), kept("of-a-run-at-the-same-time", "2026-01-01T11:59:00Z"),
	}}
	if result := resultOf(t, s, admissionCase, Options{Admission: true}); result.Status != Passed {
		t.Errorf("got %+v", result)
	}
	deleted := strings.Join(s.deleted, ", ")
	if !strings.HasPrefix(deleted, "ValidatingAdmissionPolicyBinding old, ValidatingAdmissionPolicy old, ") ||
		strings.Contains(deleted, "of-a-run") {
		t.Errorf("deleted %s", deleted)
	}
}

func TestNoPolicyIsCreatedUnlessTheUserChoosesTo(t *testing.T) {
	s := &shop{callsPolicies: true}
	if result := resultOf(t, s, dryRunCase, Options{}); result.Status != Passed || len(s.policies) > 0 {
		t.Errorf("got %+v, created %q", result, s.policies)
	}
}
