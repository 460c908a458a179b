// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// runIn runs the plugin with a kube-apiserver that has an ExtensionAPI, its APIService, and one of another owner.
func runIn(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	return run(append(args, flags(t)...)...)
}

// flags are those of the connection.
func flags(t *testing.T) []string {
	t.Helper()
	t.Setenv("KUBECONFIG", os.DevNull)
	answers := map[string]any{
		"/apis/apiregistration.k8s.io/v1/apiservices": &apiregistrationv1.APIServiceList{
			Items: []apiregistrationv1.APIService{
				registered("v1.wardle.example.com", "wardle.example.com"), registered("v1.other.example.com", "other.example.com"),
			},
		},
		"/apis/aggregation.extensionapi.dev/v1alpha1/extensionapis": &v1alpha1.ExtensionAPIList{
			Items: []v1alpha1.ExtensionAPI{*owning()},
		},
		"/apis/aggregation.extensionapi.dev/v1alpha1/extensionapis/wardle": owning(),
		"/apis/wardle.example.com/v1": &metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "wardle.example.com/v1",
			APIResources: []metav1.APIResource{{Name: "flunders", Kind: "Flunder", Verbs: metav1.Verbs{"get"}}},
		},
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer, found := answers[r.URL.Path]
		if !found {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return []string{"--server", server.URL, "--insecure-skip-tls-verify"}
}

func registered(name, group string) apiregistrationv1.APIService {
	return apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: group, Version: "v1", GroupPriorityMinimum: 500, VersionPriority: 15,
			Service: &apiregistrationv1.ServiceReference{Namespace: "shop", Name: "shop"},
		},
		Status: apiregistrationv1.APIServiceStatus{Conditions: []apiregistrationv1.APIServiceCondition{
			{Type: apiregistrationv1.Available, Status: apiregistrationv1.ConditionTrue},
		}},
	}
}

func owning() *v1alpha1.ExtensionAPI {
	extensionAPI := reporting(measured(10 * time.Millisecond))
	extensionAPI.Spec.Groups = []v1alpha1.APIGroup{{
		Name: "wardle.example.com", GroupPriorityMinimum: 1000, Versions: []v1alpha1.APIVersion{{Name: "v1"}},
	}}
	extensionAPI.Spec.ExistingService = &v1alpha1.ExistingService{Namespace: "wardle-system", Name: "wardle", Port: 443}
	return extensionAPI
}

func TestNamesAreCompleted(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"of both kinds":   {[]string{"doctor", ""}, []string{"v1.wardle.example.com", "v1.other.example.com", "wardle"}},
		"with a prefix":   {[]string{"check", "v1.w"}, []string{"v1.wardle.example.com"}},
		"but not twice":   {[]string{"doctor", "wardle", "w"}, nil},
		"ExtensionAPIs":   {[]string{"history", ""}, []string{"wardle"}},
		"only one":        {[]string{"status", "wardle", ""}, nil},
		"APIServices":     {[]string{"import", "v1."}, []string{"v1.wardle.example.com", "v1.other.example.com"}},
		"not of versions": {[]string{"version", ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			last := len(test.args) - 1 // the flags of the connection come before what is completed
			args := slices.Concat([]string{"__complete"}, test.args[:last])
			code, out, errOut := run(slices.Concat(args, flags(t), test.args[last:])...)
			if names := namesIn(out); code != 0 || !slices.Equal(names, test.want) {
				t.Errorf("exit code %d, %q, %s", code, names, errOut)
			}
		})
	}
}

// namesIn leaves out cobra's directive.
func namesIn(completion string) (names []string) {
	for line := range strings.Lines(completion) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, ":") {
			names = append(names, line)
		}
	}
	return names
}

func TestProgramsReadJSON(t *testing.T) {
	_, out, errOut := runIn(t, "top", "--count", "1", "-o", "json")
	var rows []topRow
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 2 {
		t.Fatalf("%v: %s%s", err, out, errOut)
	}
	if rows[0].Error == "" || rows[1].P99 == nil || rows[1].OperatorP99.Duration != 20*time.Millisecond ||
		rows[1].Service != "shop/shop" {
		t.Errorf("top prints %+v", rows)
	}

	_, out, errOut = runIn(t, "history", "wardle", "--count", "1", "-o", "json")
	var recordings []recorded
	if err := json.Unmarshal([]byte(out), &recordings); err != nil || len(recordings) != 1 ||
		*recordings[0].Points[0].P99 != 20 {
		t.Errorf("history prints %s%s, %v", out, errOut, err)
	}

	code, out, errOut := runIn(t, "diff", "wardle", "-o", "json")
	var changes []struct {
		Name   string           `json:"name"`
		Fields []map[string]any `json:"fields"`
	}
	if err := json.Unmarshal([]byte(out), &changes); err != nil || code != 1 || len(changes) != 1 ||
		changes[0].Name != "v1.wardle.example.com" || len(changes[0].Fields) == 0 {
		t.Errorf("diff prints %s%s, %v, and exits with %d", out, errOut, err, code)
	}
}

func TestHistorySaysWhereMoreIs(t *testing.T) {
	code, out, errOut := runIn(t, "history", "wardle", "--count", "1")
	for _, part := range []string{
		"p50 10.0ms, p99 20.0ms", `extensionapi="wardle"`, "extensionapi-operator:metrics-reader",
	} {
		if code != 0 || !strings.Contains(out, part) {
			t.Errorf("exit code %d, %s%s", code, out, errOut)
		}
	}
	code, _, errOut = run("history", "wardle", "--interval", "1ms")
	if code != 1 || !strings.Contains(errOut, "at least 1s") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}
