// SPDX-License-Identifier: Apache-2.0

package runbook

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/extensionapi/extensionapi-operator/docs"
)

var document = fstest.MapFS{"a.md": {Data: []byte(`# A
| other | table |
|---|---|
| NotAReason | x |

## Several conditions
Text.

| reason | what it means | impact | what to do |
|---|---|---|---|
| First, Second | it ` + "`fails`" + ` | none | see [there](b.md#c) or [here](d.md) |

## Events
| reason | what was done |
|---|---|
| Second | it was repaired |
`)}}

func TestAReasonIsExplainedOnceForEachHeading(t *testing.T) {
	read, err := Read(document)
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Names(); !slices.Equal(got, []string{"Events", "First", "Second"}) {
		t.Errorf("the reasons are %q", got)
	}
	want := []Entry{
		{
			Reason: "Second", Heading: "Several conditions", Meaning: "it fails", Impact: "none", Fix: "see there or here",
			URL: base + "a.md#several-conditions",
		},
		{Reason: "Second", Heading: "Events", Meaning: "it was repaired", URL: base + "a.md#events"},
	}
	if got := read.Explain("second"); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := read.Explain("NotAReason"); len(got) > 0 {
		t.Errorf("what is no reason is explained: %+v", got)
	}
	if got := read.Explain("several conditions"); len(got) != 2 || got[0].Reason != "First" {
		t.Errorf("the reasons of a condition are %+v", got)
	}
	for heading, want := range map[string]string{"Events": "a.md#events", "Other": "a.md#several-conditions"} {
		if got := read.URL("Second", heading); got != base+want {
			t.Errorf("under %s it is documented at %s", heading, got)
		}
	}
	if got := read.URL("Third", ""); got != "" {
		t.Errorf("an unknown reason is documented at %s", got)
	}
	if got := read.Similar("SEC"); !slices.Equal(got, []string{"Second"}) {
		t.Errorf("similar are %q", got)
	}
}

func TestTheDocumentsExplainEveryReasonCompletely(t *testing.T) {
	read, err := Read(docs.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []string{
		"ServerSlow", "RotationStuck", "Contested", "FailedDiscoveryCheck", "orphan",
		"StandIn", "ServesObjects", "NamespacesDeletable", "NotPermitted",
		"ControllersAvailable", "WaitingForAPI", "DeploymentNotFound",
	} {
		if len(read.Explain(reason)) == 0 {
			t.Errorf("%s is not explained", reason)
		}
	}
	for _, entry := range read {
		if entry.Reason == "" || entry.Meaning == "" || strings.ContainsAny(entry.Meaning+entry.Fix, "`[]") {
			t.Errorf("not readable: %+v", entry)
		}
	}
}
