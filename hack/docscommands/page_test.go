// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

var fence = "```"

var source = strings.ReplaceAll(`# A page

~~~yaml
kind: A
~~~

~~~sh
export A=1
echo $A
~~~

<!-- not run: needs a registry -->
~~~sh
push
~~~

<!-- run with: NAME=wardle -->
~~~console
$ get NAME \
    --wait
NAME of NAMESPACE
$ patch 'a
b'
~~~
`, "~~~", fence)

func TestCommandsAreReadInTheOrderOfThePage(t *testing.T) {
	got, err := parse(source)
	if err != nil {
		t.Fatal(err)
	}
	want := page{blocks: []block{
		{line: 7, commands: []command{{line: 8, text: "export A=1\necho $A"}}},
		{line: 13, skipped: "needs a registry"},
		{line: 18, commands: []command{
			{line: 19, text: "get wardle \\\n    --wait", output: []string{"wardle of NAMESPACE"}},
			{line: 22, text: "patch 'a\nb'", output: []string{}},
		}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAPageCanBeLeftOutWithAReason(t *testing.T) {
	got, err := parse("# A\n\n<!-- page not run: needs OLM -->\n" + source)
	if err != nil || got.skipped != "needs OLM" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAnAnnotationThatReplacesNothingIsAnError(t *testing.T) {
	for _, annotation := range []string{"NAMESPACE=a", "NAME"} {
		text := "<!-- run with: " + annotation + " -->\n" + fence + "sh\nget NAME\n" + fence + "\n"
		if _, err := parse(text); err == nil {
			t.Errorf("%s is accepted", annotation)
		}
	}
}

// Placeholders are written in capitals.
func TestPagesLeaveNoPlaceholderInWhatIsRun(t *testing.T) {
	for _, path := range pages(t) {
		read := readPage(t, path)
		if read.skipped != "" {
			continue
		}
		for _, block := range read.blocks {
			for _, command := range block.commands {
				for word := range strings.FieldsSeq(command.text) {
					if slices.Contains([]string{"NAME", "NAMESPACE", "REGISTRY", "CHART", "TAG", "POD", "SERVICE"}, word) {
						t.Errorf("%s:%d: %s is a placeholder: %s", path, command.line, word, command.text)
					}
				}
			}
		}
	}
}

func TestPagesHaveCommandsThatAreRun(t *testing.T) {
	count := 0
	for _, path := range pages(t) {
		for _, block := range readPage(t, path).blocks {
			count += len(block.commands)
		}
	}
	if count < 20 {
		t.Errorf("only %d commands are run", count)
	}
}
