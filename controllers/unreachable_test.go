// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
)

func TestWhatBecomesUnreachableIsCounted(t *testing.T) {
	widgets := schema.GroupResource{Group: "example.com", Resource: "widgets"}
	everything := schema.GroupResource{Group: "example.com", Resource: "*"}
	gadgets := schema.GroupResource{Group: "example.com", Resource: "gadgets"}
	for name, test := range map[string]struct {
		counted []aggregation.Objects
		// says is the end of the message.
		says string
	}{
		"nothing is listed": {nil, ""},
		"no objects":        {[]aggregation.Objects{{Resource: widgets}}, ""},
		"some objects": {
			[]aggregation.Objects{{Resource: widgets}, {Resource: gadgets, Count: 3}}, "deleted: 3 gadgets.example.com",
		},
		"not all can be counted": {
			[]aggregation.Objects{
				{Resource: widgets, Count: 2}, {Resource: gadgets, Err: aggregation.ErrNotAllowed},
			},
			"deleted: 2 widgets.example.com; an unknown number of gadgets.example.com. To have them counted, label a " +
				"ClusterRole that may list them aggregation.extensionapi.dev/aggregate-to-object-counter=true",
		},
		"the server does not answer": {
			[]aggregation.Objects{{Resource: everything, Err: errors.New("timeout")}},
			"deleted: an unknown number of *.example.com (timeout)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			message := unreachableMessage(test.counted)
			if !strings.HasSuffix(message, test.says) || (test.says == "") != (message == "") {
				t.Errorf("told is %q", message)
			}
		})
	}
}
