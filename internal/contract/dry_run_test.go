// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const dryRunCase = "widgets: CREATE as a dry run stores nothing"

func TestADryRunIsJudgedByWhatIsStored(t *testing.T) {
	refuses := func(method string, status int) map[string]int { return map[string]int{method: status} }
	for name, test := range map[string]struct {
		shop   *shop
		denied string
		want   Status
		// detail is a part of the detail, sent the number of creations, and left that of stored objects afterwards.
		detail     string
		sent, left int
	}{
		"stores nothing": {shop: &shop{}, want: Passed, detail: "the smallest object", sent: 1},
		"made of an object that exists": {
			shop: &shop{existing: `{"metadata":{"name":"old"}}`}, want: Passed, detail: "a copy of an object", sent: 1,
		},
		"stores the object": {shop: &shop{ignoresDryRun: true}, want: Failed, detail: "it has been deleted", sent: 1},
		"stores it for good": {
			shop: &shop{ignoresDryRun: true, refused: refuses(http.MethodDelete, http.StatusConflict)},
			want: Failed, detail: "could not be deleted: answered 409 Conflict: refused by the shop", sent: 1, left: 1,
		},
		"cannot be looked at": {
			shop: &shop{refused: refuses(http.MethodGet, http.StatusForbidden)},
			want: Skipped, detail: "was stored is not known", sent: 1,
		},
		"finds the object invalid": {
			shop: &shop{refused: refuses(http.MethodPost, http.StatusUnprocessableEntity)},
			want: Skipped, detail: "refused by the shop",
		},
		"does not create": {
			shop: &shop{refused: refuses(http.MethodPost, http.StatusMethodNotAllowed)}, want: Failed, detail: "405",
		},
		"fails": {
			shop: &shop{refused: refuses(http.MethodPost, http.StatusInternalServerError)}, want: Failed, detail: "500",
		},
		"does not know dryRun": {
			shop: &shop{openAPI: strings.ReplaceAll(withDryRun, "dryRun", "pretty")},
			want: Skipped, detail: "could store the object",
		},
		"cannot delete": {
			shop: &shop{openAPI: strings.ReplaceAll(withDryRun, `,"delete":{}`, "")}, want: Skipped, detail: "does not say",
		},
		"has no OpenAPI":        {shop: &shop{openAPI: "?"}, want: Skipped, detail: "OpenAPI v3 cannot be read"},
		"the user may not":      {shop: &shop{}, denied: "create", want: Skipped, detail: "not permitted to create widgets"},
		"the user may not look": {shop: &shop{}, denied: "get", want: Skipped, detail: "not permitted to get widgets"},
		"or delete":             {shop: &shop{}, denied: "delete", want: Skipped, detail: "not permitted to delete widgets"},
	} {
		t.Run(name, func(t *testing.T) {
			result := resultOf(t, test.shop, dryRunCase, Options{}, test.denied)
			if result.Status != test.want || !strings.Contains(result.Detail, test.detail) {
				t.Errorf("got %+v, want %s, %q", result, test.want, test.detail)
			}
			if len(test.shop.sent) != test.sent || len(test.shop.stored) != test.left {
				t.Errorf("sent %q, stored %q", test.shop.sent, test.shop.stored)
			}
		})
	}
}

func TestACandidateHasWhatTheServerRequiresAndANewName(t *testing.T) {
	for name, test := range map[string]struct {
		existing string
		size     int64
		labels   int
	}{
		"of OpenAPI": {"", 3, 0},
		"of an object": {
			`{"metadata":{"name":"old","namespace":"default","uid":"1","resourceVersion":"7","labels":{"a":"b"}},` +
				`"size":5,"status":{"ready":true}}`, 5, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shop{existing: test.existing}
			resultOf(t, s, dryRunCase, Options{})
			if len(s.sent) != 1 {
				t.Fatalf("sent %q", s.sent)
			}
			sent := unstructured.Unstructured{}
			if err := json.Unmarshal([]byte(s.sent[0]), &sent.Object); err != nil {
				t.Fatal(err)
			}
			size, _, _ := unstructured.NestedFieldNoCopy(sent.Object, "size")
			_, hasStatus := sent.Object["status"]
			if !strings.HasPrefix(sent.GetName(), namePrefix) || sent.GetNamespace() != "default" ||
				sent.GetKind() != "Widget" || sent.GetAPIVersion() != version.String() || size != float64(test.size) ||
				len(sent.GetLabels()) != test.labels || hasStatus || sent.GetUID() != "" || sent.GetResourceVersion() != "" {
				t.Errorf("sent %s", s.sent[0])
			}
		})
	}
}
