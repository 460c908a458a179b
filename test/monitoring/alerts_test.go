// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestAlertsFireOnlyWhenTheyShould(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no alert tests found (%v)", err)
	}
	tested := ""
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tested += string(content)
	}
	for _, alert := range Alerts(t) {
		if !strings.Contains(tested, "alertname: "+alert.Alert+"\n    exp_alerts:\n") {
			t.Errorf("%s fires in no test", alert.Alert)
		}
	}
	if err := Promtool(t, append([]string{"test", "rules"}, files...)...); err != nil {
		t.Error(err)
	}
}

func TestAlertsOfAnExtensionAPICanBeRoutedByTheNamespaceOfItsServer(t *testing.T) {
	for _, alert := range Alerts(t) {
		ofExtensionAPI := strings.Contains(alert.Annotations["description"], "$labels.extensionapi")
		routed := alert.Labels["namespace"] == "{{ $labels.server_namespace }}"
		if ofExtensionAPI != routed {
			t.Errorf("%s is about an ExtensionAPI: %t, and has the namespace of the server: %t",
				alert.Alert, ofExtensionAPI, routed)
		}
	}
}

func TestAlertsHaveSeverityAnnotationsAndRunbook(t *testing.T) {
	runbooks := string(read(t, "docs/reference/alerts.md"))
	var sections []string
	for _, heading := range regexp.MustCompile(`(?m)^## (ExtensionAPI.*)$`).FindAllStringSubmatch(runbooks, -1) {
		sections = append(sections, heading[1])
	}
	var names []string
	for _, alert := range Alerts(t) {
		names = append(names, alert.Alert)
		if severity := alert.Labels["severity"]; !slices.Contains([]string{"critical", "warning", "info"}, severity) {
			t.Errorf("%s has severity %q", alert.Alert, severity)
		}
		if summary := alert.Annotations["summary"]; !strings.HasSuffix(summary, ".") || strings.Contains(summary, "{{") {
			t.Errorf("%s has the summary %q, which is not a sentence that is the same for all", alert.Alert, summary)
		}
		if description := alert.Annotations["description"]; !strings.Contains(description, "{{ with $labels.cluster }}") {
			t.Errorf("%s has the description %q, which lacks the cluster", alert.Alert, description)
		}
		section := "/docs/reference/alerts.md#" + strings.ToLower(alert.Alert)
		if url := alert.Annotations["runbook_url"]; !strings.HasSuffix(url, section) {
			t.Errorf("%s has runbook_url %q, which is not its section of docs/reference/alerts.md", alert.Alert, url)
		}
	}
	if names = slices.Compact(names); !slices.Equal(names, sections) {
		t.Errorf("docs/reference/alerts.md has the sections %q, but the alerts are %q", sections, names)
	}
}

// TestAlertsUseExistingConditionsAndReasons compares with the constants of the API. Conditions also have reasons set by
// kube-apiserver, which alerts need not use.
func TestAlertsUseExistingConditionsAndReasons(t *testing.T) {
	known := append(constants(t), "True", "False", "Unknown")
	matchers := regexp.MustCompile(`(type|status|reason)=~?"([^"]*)"`)
	for _, alert := range Alerts(t) {
		for _, matcher := range matchers.FindAllStringSubmatch(alert.Expr, -1) {
			for value := range strings.SplitSeq(matcher[2], "|") {
				if !slices.Contains(known, value) {
					t.Errorf("%s matches the %s %q, which does not exist in api/v1alpha1", alert.Alert, matcher[1], value)
				}
			}
		}
	}
}

// constants returns the values of the condition types and reasons.
func constants(t *testing.T) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "api/v1alpha1/conditions.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if literal, found := node.(*ast.BasicLit); found && literal.Kind == token.STRING {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	return values
}
