// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// dashboard is what this program reads of a Grafana dashboard.
type dashboard struct {
	Templating struct{ List []variable }
	Panels     []panel
}

type variable struct {
	Name, Type, Definition, AllValue string
}

type panel struct {
	ID          int
	Type, Title string
	GridPos     struct{ X, Y, W, H int }
	Targets     []target
	FieldConfig struct{ Defaults fieldConfig }
}

type target struct {
	Expr, LegendFormat, Format string
	Instant                    bool
}

type fieldConfig struct {
	Unit       string
	Thresholds struct{ Steps []threshold }
	Mappings   []struct{ Options map[string]mapped }
}

type threshold struct {
	Color string
	// Value is nil for the lowest one.
	Value *float64
}

type mapped struct{ Text, Color string }

func readDashboard(file string) (read dashboard, err error) {
	content, err := os.ReadFile(file) //nolint:gosec // who runs this program names the file
	if err != nil {
		return read, err
	}
	return read, json.Unmarshal(content, &read)
}

var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// valuesOf returns what each variable stands for while all of its values are selected.
func valuesOf(
	ctx context.Context, client prometheus, variables []variable, rateInterval string,
) (values map[string]string, err error) {
	values = map[string]string{"__rate_interval": rateInterval}
	for _, one := range variables {
		parts := labelValues.FindStringSubmatch(one.Definition)
		if parts == nil {
			continue
		}
		found, err := client.labelValues(ctx, substitute(parts[1], values), parts[2])
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", one.Name, err)
		}
		values[one.Name] = cmp.Or(one.AllValue, "("+strings.Join(found, "|")+")")
	}
	return values, nil
}

// substitute replaces the variables in a query, the longest name first.
func substitute(expr string, values map[string]string) string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	for _, name := range names {
		expr = strings.ReplaceAll(expr, "$"+name, values[name])
	}
	return expr
}

var label = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// legend formats the labels of a series as a target wants.
func legend(format string, labels map[string]string) string {
	text := label.ReplaceAllStringFunc(format, func(reference string) string {
		return labels[label.FindStringSubmatch(reference)[1]]
	})
	return strings.TrimSpace(text)
}
