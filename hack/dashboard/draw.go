// SPDX-License-Identifier: Apache-2.0

package main

import (
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// The size of a cell of Grafana's grid, which has 24 columns.
const (
	columns    = 24
	cellWidth  = 0.62 * vg.Inch
	cellHeight = 0.33 * vg.Inch
)

// drawAll draws the panels where they are on the dashboard.
func drawAll(file string, panels []panel, results map[int][]series, client prometheus) error {
	rows := 0
	for _, one := range panels {
		rows = max(rows, one.GridPos.Y+one.GridPos.H)
	}
	canvas := vgimg.New(columns*cellWidth, vg.Length(rows)*cellHeight)
	page := draw.New(canvas)
	for _, one := range panels {
		drawPanel(tileOf(page, one), one, results[one.ID], client)
	}
	output, err := os.Create(file) //nolint:gosec // who runs this program names the file
	if err != nil {
		return err
	}
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(output); err != nil {
		return err
	}
	return output.Close()
}

// tileOf is the part of the page that the panel has, without a margin.
func tileOf(page draw.Canvas, one panel) draw.Canvas {
	const margin = 3
	at := one.GridPos
	return draw.Crop(page,
		vg.Length(at.X)*cellWidth+margin, -vg.Length(columns-at.X-at.W)*cellWidth-margin,
		page.Max.Y-vg.Length(at.Y+at.H)*cellHeight+margin, -vg.Length(at.Y)*cellHeight-margin)
}

func drawPanel(tile draw.Canvas, one panel, lines []series, client prometheus) {
	switch {
	case one.Type == "row":
		write(tile, one.Title, 0, 12, color.Black)
	case len(lines) == 0:
		drawTexts(tile, one, []series{{legend: "no data"}})
	case one.Type == "timeseries":
		drawLines(tile, one, lines, client)
	case one.Type == "heatmap":
		drawCells(tile, one, bucketCells(lines), client)
	case one.Type == "state-timeline":
		drawCells(tile, one, stateCells(one.FieldConfig.Defaults, lines), client)
	default:
		drawTexts(tile, one, lines)
	}
}

// newPlot returns an empty diagram of the time range.
func newPlot(one panel, client prometheus) *plot.Plot {
	diagram := plot.New()
	diagram.Title.Text = one.Title
	diagram.Title.TextStyle.Font.Size = 10
	diagram.X.Min, diagram.X.Max = float64(client.end.Add(-client.span).Unix()), float64(client.end.Unix())
	diagram.X.Tick.Marker = plot.TimeTicks{Format: "15:04:05"}
	diagram.X.Tick.Label.Font.Size, diagram.Y.Tick.Label.Font.Size = 6, 6
	return diagram
}

func drawLines(tile draw.Canvas, one panel, lines []series, client prometheus) {
	const inLegend = 6
	diagram := newPlot(one, client)
	diagram.Y.Min = 0
	diagram.Legend.Top, diagram.Legend.Left = true, true
	diagram.Legend.TextStyle.Font.Size = 6
	diagram.Add(plotter.NewGrid())
	for i, one := range lines {
		points := make(plotter.XYs, len(one.values))
		for j := range points {
			points[j].X, points[j].Y = one.times[j], one.values[j]
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			continue
		}
		line.Color = palette[i%len(palette)]
		diagram.Add(line)
		if i < inLegend {
			diagram.Legend.Add(one.legend, line)
		}
	}
	if diagram.Y.Max <= diagram.Y.Min {
		diagram.Y.Max = diagram.Y.Min + 1
	}
	diagram.Y.Tick.Marker = unitTicks{one.FieldConfig.Defaults.Unit}
	diagram.Draw(tile)
}

// unitTicks labels the default ticks with a unit.
type unitTicks struct{ unit string }

func (u unitTicks) Ticks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = withUnit(u.unit, ticks[i].Value)
		}
	}
	return ticks
}

// write writes a line of text that begins so far below the top of the tile.
func write(tile draw.Canvas, line string, below vg.Length, size font.Length, ink color.Color) {
	style := draw.TextStyle{
		Color: ink, Font: font.From(plot.DefaultFont, size), YAlign: text.YTop, Handler: plot.DefaultTextHandler,
	}
	tile.FillText(style, vg.Point{X: tile.Min.X, Y: tile.Max.Y - below}, line)
}
