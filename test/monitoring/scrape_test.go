// SPDX-License-Identifier: Apache-2.0

package monitoring

import "testing"

func TestCheckQueriesReportsQueriesWithoutResultOrLabel(t *testing.T) {
	const text = "# TYPE extensionapi_condition gauge\n" +
		`extensionapi_condition{extensionapi="a",type="Ready",status="True"} 1` + "\n"
	for what, test := range map[string]struct {
		query Query
		found bool
	}{
		"an existing series":        {Query{"a test", `extensionapi_condition{type="Ready"}`, []string{"status"}}, true},
		"a rate":                    {Query{"a test", `rate(extensionapi_condition[1m])`, nil}, true},
		"a label of the target":     {Query{"a test", `extensionapi_condition`, []string{"pod"}}, true},
		"a label of the cluster":    {Query{"a test", `extensionapi_condition`, []string{"cluster"}}, true},
		"an unknown metric":         {Query{"a test", `extensionapi_conditions`, nil}, false},
		"a matcher without a match": {Query{"a test", `extensionapi_condition{kind="Ready"}`, nil}, false},
		"an unknown label":          {Query{"a test", `extensionapi_condition`, []string{"name"}}, false},
	} {
		if err := CheckQueries(t, text, text, []Query{test.query}); (err == nil) != test.found {
			t.Errorf("%s: %v", what, err)
		}
	}
}
