// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"slices"
	"testing"
)

func TestDashboardPanelsHaveUniqueIDsAndQueryTheSelectedDataSource(t *testing.T) {
	ids := map[int]string{}
	for _, panel := range readDashboard(t).Panels {
		if other, found := ids[panel.ID]; found {
			t.Errorf("the panels %q and %q have the same id", other, panel.Title)
		}
		ids[panel.ID] = panel.Title
		if panel.Type != "row" && (panel.Datasource.UID != "${datasource}" || len(panel.Targets) == 0) {
			t.Errorf("the panel %q has no query, or the data source %q", panel.Title, panel.Datasource.UID)
		}
	}
}

func TestDashboardUsesOnlyVariablesThatItDefines(t *testing.T) {
	read := readDashboard(t)
	known := []string{"$__rate_interval", "$", "$1"} // $1 is a group of label_replace
	for _, variable := range read.Templating.List {
		known = append(known, "$"+variable.Name)
	}
	for _, panel := range read.Panels {
		texts := []string{panel.Title, "$" + panel.Repeat}
		for _, target := range panel.Targets {
			texts = append(texts, target.Expr)
		}
		for _, text := range texts {
			for _, used := range inDashboard.FindAllString(text, -1) {
				if !slices.Contains(known, used) {
					t.Errorf("the panel %q uses %s, which is not a variable of the dashboard", panel.Title, used)
				}
			}
		}
	}
}
