// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheSmallestObjectHasTheRequiredFields(t *testing.T) {
	for name, test := range map[string]struct{ schemas, want string }{
		"nothing required": {`{"O":{"type":"object","properties":{"a":{"type":"string"}}}}`, `{}`},
		"of each type": {
			`{"O":{"type":"object","required":["a","b","c","d","e","f"],"properties":{
			"a":{"type":"string"},"b":{"type":"boolean"},"c":{"type":"integer","minimum":2},"d":{"type":"array"},
			"e":{"type":"string","format":"date-time"},"f":{"type":"number"}}}}`,
			`{"a":"check","b":false,"c":2,"d":[],"e":"2026-01-01T00:00:00Z","f":0}`,
		},
		"defaults and enumerations": {
			`{"O":{"type":"object","required":["a","b","c"],"properties":{
			"a":{"type":"string","default":"x"},"b":{"type":"string","enum":["y","z"]},"c":{"type":"object","default":{}}}}}`,
			`{"a":"x","b":"y","c":{}}`,
		},
		"references": {`{"O":{"type":"object","required":["spec"],"properties":{"spec":{"default":{},
			"allOf":[{"$ref":"#/components/schemas/S"}]}}},"S":{"type":"object","required":["n"],"properties":{
			"n":{"type":"integer"}}}}`, `{"spec":{"n":0}}`},
		"no metadata":       {`{"O":{"type":"object","required":["metadata"]}}`, `{}`},
		"an unknown schema": {`{}`, `{}`},
		"a circle of references": {
			`{"O":{"$ref":"#/components/schemas/P"},"P":{"$ref":"#/components/schemas/O"}}`, `{}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			const operation = `{"requestBody":{"content":{"*/*":{"schema":{"$ref":"#/components/schemas/O"}}}}}`
			document, err := readOpenAPI(strings.NewReader(
				`{"paths":{"/o":{"post":` + operation + `}},"components":{"schemas":` + test.schemas + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(document.smallest(document.Paths["/o"].Post))
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestAnObjectOfASchemaThatContainsItselfEnds(t *testing.T) {
	document, err := readOpenAPI(strings.NewReader(`{"components":{"schemas":{"O":{"type":"object","required":["o"],
		"properties":{"o":{"$ref":"#/components/schemas/O"}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	of, _ := document.example(openAPISchema{Ref: "#/components/schemas/O"}, maxDepth).(map[string]any)
	for ; of != nil; depth++ {
		of, _ = of["o"].(map[string]any)
	}
	if depth != maxDepth+1 {
		t.Errorf("the depth is %d", depth)
	}
}
