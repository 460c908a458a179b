// SPDX-License-Identifier: Apache-2.0

package act

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
)

func TestObjectsThatBecomeUnreachableAreCounted(t *testing.T) {
	widgets := schema.GroupResource{Group: "example.com", Resource: "widgets"}
	everything := schema.GroupResource{Group: "example.com", Resource: "*"}
	gadgets := schema.GroupResource{Group: "example.com", Resource: "gadgets"}
	const label = "label a ClusterRole that may list them: aggregation.extensionapi.dev/aggregate-to-object-reader=true"
	for name, test := range map[string]struct {
		counted []aggregation.Objects
		// counts are what the message reports, and mayNot is whether it says how to have more counted.
		counts string
		mayNot bool
	}{
		"nothing is listed": {nil, "", false},
		"no objects":        {[]aggregation.Objects{{Resource: widgets}}, "", false},
		"some objects": {
			[]aggregation.Objects{{Resource: widgets}, {Resource: gadgets, Count: 3}}, "3 gadgets.example.com", false,
		},
		"not all can be counted": {
			[]aggregation.Objects{
				{Resource: widgets, Count: 2}, {Resource: gadgets, Err: aggregation.ErrNotAllowed},
			},
			"2 widgets.example.com; an unknown number of gadgets.example.com", true,
		},
		"the server does not answer": {
			[]aggregation.Objects{{Resource: everything, Err: errors.New("timeout")}},
			"an unknown number of *.example.com (timeout)", false,
		},
		"the server stops answering": {
			[]aggregation.Objects{{Resource: widgets, Count: 500, Err: errors.New("timeout")}},
			"an unknown number of widgets.example.com, at least 500 (timeout)", false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			message := unreachableMessage(test.counted)
			if !strings.Contains(message, test.counts) || (test.counts == "") != (message == "") {
				t.Errorf("the message is %q", message)
			}
			if strings.HasSuffix(message, label) != test.mayNot {
				t.Errorf("it says how to have more counted: %q", message)
			}
		})
	}
}
