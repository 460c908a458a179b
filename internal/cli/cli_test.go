// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/runbook"
)

func run(args ...string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	code = Run(args, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestCommandsThatNeedNoCluster(t *testing.T) {
	for name, test := range map[string]struct {
		args        string
		code        int
		out, errOut string
	}{
		"the version":                {"version", 0, "kubectl-extensionapi dev", ""},
		"the version as YAML":        {"version -o yaml", 0, "version: dev\n", ""},
		"an unknown format":          {"version -o xml", 1, "", "must be one of json, yaml"},
		"a reason":                   {"explain RotationStuck", 0, "RotationStuck (CertificatesReady)", ""},
		"a reason in another case":   {"explain rotationstuck", 0, "RotationStuck (CertificatesReady)", ""},
		"a reason of kube-apiserver": {"explain MissingEndpoints", 0, "Reasons of kube-apiserver", ""},
		"a condition":                {"explain ServesObjects", 0, "ListFails (ServesObjects)", ""},
		"the stand-in":               {"explain StandIn", 0, "stand-in.md", ""},
		"a check of doctor":          {"explain orphan", 0, "orphan (Checks)", ""},
		"all reasons":                {"explain", 0, "ServerSlow\n", ""},
		"no reason":                  {"explain rotat", 1, "", "similar ones are Rotating, RotationStuck"},
		"an unprintable reason":      {"explain \x1b[2J", 1, "", `\x1b[2J`},
		"an unknown command":         {"heal", 1, "", "unknown command"},
		"doctor without a cluster":   {"doctor --kubeconfig /does/not/exist", 3, "", "/does/not/exist"},
		"doctor with a wrong flag":   {"doctor --fast", 3, "", "unknown flag"},
		"the completion of bash":     {"completion bash", 0, "bash completion", ""},
		"the completion of a reason": {"__complete explain Rot", 0, "RotationStuck\n", ""},
		"help":                       {"doctor --help", 0, "kubectl extensionapi doctor [APISERVICE", ""},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := run(strings.Fields(test.args)...)
			if code != test.code || !strings.Contains(out, test.out) || !strings.Contains(errOut, test.errOut) {
				t.Errorf("exit code %d, output %q, errors %q", code, out, errOut)
			}
			if test.code != 0 && out != "" {
				t.Errorf("it prints %q", out)
			}
		})
	}
}

func TestExplainWritesJSON(t *testing.T) {
	_, out, _ := run("explain", "Contested", "-o", "json")
	var entries []runbook.Entry
	if err := json.Unmarshal([]byte(out), &entries); err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 || entries[0].Heading != "Claimed" || entries[1].Heading != "Registered" {
		t.Errorf("got %+v", entries)
	}
}

func TestTheExitCodeIsTheLevel(t *testing.T) {
	for severity, want := range map[finding.Severity]int{
		0: exitNotRun, finding.Info: 0, finding.Warning: exitWarnings, finding.Critical: exitBroken,
	} {
		outcome := check.Outcome{Results: []check.Result{{Finding: finding.Finding{Severity: severity}}}}
		report := check.Report{Sections: []check.Section{{Outcomes: []check.Outcome{outcome}}}}
		code := 0
		if exit, ok := exitOf(report).(*exitError); ok { //nolint:errorlint // it is never wrapped
			code = exit.code
		}
		if code != want {
			t.Errorf("exit code %d for %s, want %d", code, report.Level(), want)
		}
	}
}

func TestCompletionReplacesNoOtherProgram(t *testing.T) {
	directory := t.TempDir()
	for range 2 {
		if code, out, errOut := run("install-completion", "--dir", directory); code != 0 {
			t.Fatalf("exit code %d: %s%s", code, out, errOut)
		}
	}
	path := filepath.Join(directory, "kubectl_complete-extensionapi")
	info, err := os.Stat(path)
	if err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("it cannot be run: %v, %v", info, err)
	}
	if err := os.WriteFile(path, []byte("another program"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errOut := run("install-completion", "--dir", directory)
	if code != 1 || !strings.Contains(errOut, "another program") {
		t.Errorf("exit code %d: %s", code, errOut)
	}
}

func TestEventsAreThoseOfTheServerAndItsControllers(t *testing.T) {
	extensionAPI := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: "wardle"}}
	extensionAPI.Spec.Server = &v1alpha1.Server{Namespace: "wardle-system"}
	extensionAPI.Spec.Controllers = []v1alpha1.Controller{{Name: "flunders"}}
	for object, want := range map[corev1.ObjectReference]bool{
		{Kind: "Deployment", Name: "wardle"}:          true,
		{Kind: "Deployment", Name: "wardle-flunders"}: true,
		{Kind: "Deployment", Name: "wardle-other"}:    false,
		{Kind: "ReplicaSet", Name: "wardle-5d"}:       true,
		{Kind: "Pod", Name: "wardle-flunders-5d-x"}:   true,
		{Kind: "Pod", Name: "wardle2-5d-x"}:           false,
		{Kind: "Service", Name: "wardle"}:             false,
		{Kind: "Node", Name: "wardle-1"}:              false,
	} {
		if got := isOfPods(object, extensionAPI); got != want {
			t.Errorf("%s %s: %t", object.Kind, object.Name, got)
		}
	}
}

func TestAnEventIsPrintable(t *testing.T) {
	list := &corev1.EventList{Items: []corev1.Event{{
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "wardle-5d-x\x1b"}, Reason: "Killing",
		LastTimestamp: metav1.NewTime(noon),
	}}}
	shown := eventsIn(list, func(corev1.ObjectReference) bool { return true })
	if len(shown) != 1 || shown[0].Object != `Pod/wardle-5d-x\x1b` || shown[0].Count != 1 || !shown[0].Last.Equal(noon) {
		t.Errorf("got %+v", shown)
	}
}

func TestTheTimeOfAnEventIsThatOfItsSeries(t *testing.T) {
	every := func(corev1.ObjectReference) bool { return true }
	series := &corev1.EventSeries{Count: 7, LastObservedTime: metav1.NewMicroTime(noon)}
	list := &corev1.EventList{Items: []corev1.Event{
		{Series: series}, {EventTime: metav1.NewMicroTime(noon.Add(-time.Hour))},
	}}
	events := eventsIn(list, every)
	if !events[0].Last.Equal(noon) || events[0].Count != 7 || !events[1].Last.Equal(noon.Add(-time.Hour)) {
		t.Errorf("got %+v", events)
	}
}
