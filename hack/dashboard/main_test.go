// SPDX-License-Identifier: Apache-2.0

package main

import (
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	matrix = `{"status":"success","data":{"result":[
		{"metric":{"le":"1","pod":"a"},"values":[[100,"1"],[160,"NaN"],[220,"3"]]},
		{"metric":{"le":"+Inf","pod":"b"},"values":[[100,"2"],[160,"2"],[220,"5"]]}]}}`
	empty   = `{"status":"success","data":{"result":[]}}`
	invalid = `{"status":"error","error":"parse error"}`
)

func TestEveryKindOfPanelIsDrawn(t *testing.T) {
	output := filepath.Join(t.TempDir(), "dashboard.png")
	err := check(t, output, matrix, "^$")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(output)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if drawn, err := png.Decode(file); err != nil || drawn.Bounds().Empty() {
		t.Errorf("nothing is drawn: %v", err)
	}
}

func TestQueriesWithoutAResultFailUnlessTheyAreOptional(t *testing.T) {
	for _, test := range []struct{ response, optional, says string }{
		{empty, "^$", `panel "Lines": no result: up{pod=~"$pod"}`},
		{empty, "up", ""},
		{invalid, "up", "parse error"},
	} {
		err := check(t, filepath.Join(t.TempDir(), "dashboard.png"), test.response, test.optional)
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s with optional %q: the error is %v, want %q", test.response, test.optional, err, test.says)
		}
	}
}

// check runs the program on a dashboard with each kind of panel, and a Prometheus that gives the response.
func check(t *testing.T, output, response, optional string) error {
	t.Helper()
	var panels []string
	for i, kind := range []string{"timeseries", "heatmap", "state-timeline", "table", "stat"} {
		title := "Lines"
		if i > 0 {
			title = kind
		}
		panels = append(panels, `{"id":`+string(rune('1'+i))+`,"type":"`+kind+`","title":"`+title+`",
			"gridPos":{"x":0,"y":`+string(rune('0'+i))+`,"w":24,"h":1},
			"targets":[{"expr":"up{pod=~\"$pod\"}","legendFormat":"{{pod}}"}]}`)
	}
	file := filepath.Join(t.TempDir(), "dashboard.json")
	content := `{"templating":{"list":[{"name":"pod","definition":"label_values(up, pod)","allValue":".*"}]},
		"panels":[` + strings.Join(panels, ",") + `]}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/label/") {
			_, _ = w.Write([]byte(`{"status":"success","data":["a","b"]}`))
			return
		}
		_, _ = w.Write([]byte(response))
	}))
	defer server.Close()
	return run(t.Context(), options{
		url: server.URL, file: file, output: output, span: time.Hour, rateInterval: "1m",
		optional: regexp.MustCompile(optional),
	})
}

func TestVariablesAreSubstitutedByTheLongestName(t *testing.T) {
	values := map[string]string{"group": "(a|b)", "groups": "c"}
	if got := substitute(`x{a=~"$group",b=~"$groups"}`, values); got != `x{a=~"(a|b)",b=~"c"}` {
		t.Errorf("got %s", got)
	}
}

func TestValuesHaveTheirUnit(t *testing.T) {
	for _, test := range []struct {
		unit  string
		value float64
		want  string
	}{
		{"s", 0.25, "0.25s"},
		{"s", 86400, "24h0m0s"},
		{"bytes", 1 << 21, "2MiB"},
		{"percentunit", 0.5, "50%"},
		{"ops", 2, "2/s"},
		{"", 3, "3"},
	} {
		if got := withUnit(test.unit, test.value); got != test.want {
			t.Errorf("%v in %q is %s, want %s", test.value, test.unit, got, test.want)
		}
	}
}
