// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"image/color"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var palette = []color.Color{
	color.RGBA{R: 0x1f, G: 0x77, B: 0xb4, A: 0xff},
	color.RGBA{R: 0xff, G: 0x7f, B: 0x0e, A: 0xff},
	color.RGBA{R: 0x2c, G: 0xa0, B: 0x2c, A: 0xff},
	color.RGBA{R: 0xd6, G: 0x27, B: 0x28, A: 0xff},
	color.RGBA{R: 0x94, G: 0x67, B: 0xbd, A: 0xff},
	color.RGBA{R: 0x8c, G: 0x56, B: 0x4b, A: 0xff},
}

var named = map[string]color.Color{
	"green": color.RGBA{R: 0x37, G: 0x87, B: 0x2d, A: 0xff}, "red": color.RGBA{R: 0xc4, G: 0x16, B: 0x2a, A: 0xff},
	"yellow": color.RGBA{R: 0xe0, G: 0xb4, B: 0x00, A: 0xff}, "blue": color.RGBA{R: 0x1f, G: 0x60, B: 0xc4, A: 0xff},
}

// drawTexts writes the last values of series, or their labels if the panel is a table, a line each.
func drawTexts(tile draw.Canvas, one panel, lines []series) {
	const title, size, spacing = 16, 8, 11
	write(tile, one.Title, 0, 10, color.Black)
	for i, line := range lines {
		below := vg.Length(title + i*spacing)
		if below+spacing > tile.Max.Y-tile.Min.Y {
			write(tile, fmt.Sprintf("and %d more", len(lines)-i), below-spacing/2, size, color.Black)
			return
		}
		words, ink := textOf(one, line)
		write(tile, words, below, size, ink)
	}
}

func textOf(one panel, line series) (words string, ink color.Color) {
	defaults := one.FieldConfig.Defaults
	switch {
	case len(line.values) == 0:
		return line.legend, color.Gray{Y: 0x80}
	case one.Type == "table":
		return tableRow(line.labels), color.Black
	default:
		value := strings.TrimSpace(line.legend + "  " + withUnit(defaults.Unit, line.last()))
		return value, colorOf(defaults.Thresholds.Steps, line.last())
	}
}

func tableRow(labels map[string]string) string {
	var cells []string
	for name, value := range labels {
		cells = append(cells, name+"="+value)
	}
	slices.Sort(cells)
	return strings.Join(cells, "  ")
}

// colorOf is the color of the highest threshold that the value reaches.
func colorOf(steps []threshold, value float64) color.Color {
	var reached color.Color = color.Black
	for _, step := range steps {
		if known, found := named[step.Color]; found && (step.Value == nil || value >= *step.Value) {
			reached = known
		}
	}
	return reached
}

func withUnit(unit string, value float64) string {
	const mebi = 1 << 20
	switch unit {
	case "s":
		if value >= 60 || value <= -60 {
			return time.Duration(value * float64(time.Second)).Round(time.Second).String()
		}
		return fmt.Sprintf("%.3gs", value)
	case "bytes":
		return fmt.Sprintf("%.4gMiB", value/mebi)
	case "percentunit":
		return fmt.Sprintf("%.3g%%", value*100)
	case "ops", "reqps":
		return fmt.Sprintf("%.3g/s", value)
	default:
		return fmt.Sprintf("%.4g", value)
	}
}
