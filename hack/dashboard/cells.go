// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"image/color"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// cells are a diagram of colored rectangles: a row for each state or bucket.
type cells struct {
	rows   []string
	filled []cell
}

type cell struct {
	from, to float64
	row      int
	color    color.Color
}

// Plot implements plot.Plotter.
func (c cells) Plot(canvas draw.Canvas, diagram *plot.Plot) {
	const height = 0.45
	x, y := diagram.Transforms(&canvas)
	for _, one := range c.filled {
		low, high := y(float64(one.row)-height), y(float64(one.row)+height)
		corners := []vg.Point{
			{X: x(one.from), Y: low}, {X: x(one.to), Y: low}, {X: x(one.to), Y: high}, {X: x(one.from), Y: high},
		}
		canvas.FillPolygon(one.color, canvas.ClipPolygonXY(corners))
	}
}

func drawCells(tile draw.Canvas, one panel, drawn cells, client prometheus) {
	diagram := newPlot(one, client)
	diagram.Y.Min, diagram.Y.Max = -0.5, float64(len(drawn.rows))-0.5
	ticks := make(plot.ConstantTicks, len(drawn.rows))
	for i, row := range drawn.rows {
		ticks[i] = plot.Tick{Value: float64(i), Label: row}
	}
	diagram.Y.Tick.Marker = ticks
	diagram.Add(drawn)
	diagram.Draw(tile)
}

// stateCells have the colors to which the panel maps values.
func stateCells(defaults fieldConfig, lines []series) (drawn cells) {
	for row, line := range lines {
		drawn.rows = append(drawn.rows, line.legend)
		for i, value := range line.values {
			drawn.filled = append(drawn.filled, cell{line.times[i], line.until(i), row, mappedColor(defaults, value)})
		}
	}
	return drawn
}

// until is when the next sample begins.
func (s series) until(i int) float64 {
	if i+1 < len(s.times) {
		return s.times[i+1]
	}
	return s.times[i]
}

func mappedColor(defaults fieldConfig, value float64) color.Color {
	for _, mapping := range defaults.Mappings {
		if found, mapped := named[mapping.Options[strconv.Itoa(int(value))].Color]; mapped {
			return found
		}
	}
	return color.Gray{Y: 0xc0}
}

// bucketCells are darker where more requests took that long: the buckets of Prometheus are cumulative.
func bucketCells(lines []series) (drawn cells) {
	bound := func(line series) float64 {
		value, err := strconv.ParseFloat(line.labels["le"], 64)
		if err != nil {
			return math.Inf(1)
		}
		return value
	}
	slices.SortFunc(lines, func(a, b series) int { return cmp.Compare(bound(a), bound(b)) })
	below := map[float64]float64{}
	for row, line := range lines {
		drawn.rows = append(drawn.rows, line.labels["le"])
		for i, moment := range line.times {
			if count := line.values[i] - below[moment]; count > 0 {
				drawn.filled = append(drawn.filled, cell{moment, line.until(i), row, shade(count)})
			}
			below[moment] = line.values[i]
		}
	}
	return drawn
}

// shade is an orange, on a logarithmic scale.
func shade(count float64) color.Color {
	strength := math.Min(1, math.Log2(1+count)/6)
	return color.RGBA{R: 0xff, G: uint8(0xe0 - strength*0xa0), B: uint8(0xb0 - strength*0xb0), A: 0xff}
}
