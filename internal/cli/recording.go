// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/guptarohit/asciigraph"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// recording has the percentiles of an ExtensionAPI at several times.
type recording struct {
	name string
	all  []recorded
}

// recorded are those of one APIService.
type recorded struct {
	APIService string  `json:"apiService"`
	Points     []point `json:"points"`
}

// point is what status had at a time. Latencies are in milliseconds, and absent where there are none.
type point struct {
	Time  metav1.Time `json:"time"`
	P50   *float64    `json:"p50Milliseconds,omitempty"`
	P99   *float64    `json:"p99Milliseconds,omitempty"`
	Max   *float64    `json:"maxMilliseconds,omitempty"`
	Error string      `json:"error,omitempty"`
}

// add records the status. APIServices that are no longer in it keep what was recorded.
func (r *recording) add(extensionAPI *v1alpha1.ExtensionAPI, now time.Time) {
	r.name = extensionAPI.Name
	for _, apiService := range extensionAPI.Status.APIServices {
		at := point{Time: metav1.NewTime(now)}
		if measured := apiService.Discovery; measured != nil {
			at.P50, at.P99, at.Max = milliseconds(measured.P50), milliseconds(measured.P99), milliseconds(measured.Max)
			at.Error = printable(measured.Error)
		}
		i := slices.IndexFunc(r.all, func(of recorded) bool { return of.APIService == apiService.Name })
		if i < 0 {
			r.all = append(r.all, recorded{APIService: apiService.Name})
			i = len(r.all) - 1
		}
		of := &r.all[i]
		of.Points = append(of.Points, at)
		of.Points = of.Points[max(0, len(of.Points)-keptPoints):]
	}
}

func milliseconds(latency *metav1.Duration) *float64 {
	if latency == nil {
		return nil
	}
	return new(float64(latency.Microseconds()) / 1000)
}

// document is what --output prints.
func (r *recording) document() []recorded {
	if r.all == nil {
		return []recorded{}
	}
	return r.all
}

// plot writes a plot for each APIService.
func (r *recording) plot(out *strings.Builder, colour bool) {
	if len(r.all) == 0 {
		fmt.Fprintf(out, "%s: the operator has not reported any APIService yet\n", r.name)
	}
	for i, of := range r.all {
		if i > 0 {
			out.WriteString("\n")
		}
		of.plot(out, colour)
	}
}

// percentiles are the lines of a plot, those above others last.
var percentiles = []struct {
	name  string
	of    func(point) *float64
	line  string
	paint asciigraph.AnsiColor
}{
	{"p50", func(p point) *float64 { return p.P50 }, "·", asciigraph.Green},
	{"p99", func(p point) *float64 { return p.P99 }, "o", asciigraph.Yellow},
	{"max", func(p point) *float64 { return p.Max }, "*", asciigraph.Red},
}

func (r recorded) plot(out *strings.Builder, colour bool) {
	last := r.Points[len(r.Points)-1]
	fmt.Fprintf(out, "%s: p50 %s, p99 %s, max %s\n", printable(r.APIService), inMilliseconds(last.P50),
		inMilliseconds(last.P99), inMilliseconds(last.Max))
	if last.Error != "" {
		fmt.Fprintf(out, "  %s\n", last.Error)
	}
	lines, drawn := r.lines()
	if !drawn || len(r.Points) < 2 {
		return
	}
	out.WriteString(asciigraph.PlotMany(lines, optionsOf(colour)...) + "\n")
	fmt.Fprintf(out, "ms, from %s to %s ago%s\n", since(last, r.Points[0]), since(last, last), legend(colour))
}

// since is how long before the last point another one was.
func since(last, at point) string { return last.Time.Sub(at.Time.Time).Round(time.Second).String() }

// lines has NaN, a gap, where nothing was measured.
func (r recorded) lines() (lines [][]float64, drawn bool) {
	for _, percentile := range percentiles {
		var line []float64
		for _, at := range r.Points {
			value := math.NaN()
			if measured := percentile.of(at); measured != nil {
				value, drawn = *measured, true
			}
			line = append(line, value)
		}
		lines = append(lines, line)
	}
	return lines, drawn
}

// plotHeight is in lines of text.
const plotHeight = 8

func optionsOf(colour bool) []asciigraph.Option {
	options := []asciigraph.Option{asciigraph.Height(plotHeight), asciigraph.LowerBound(0), asciigraph.Precision(1)}
	var paints []asciigraph.AnsiColor
	var characters []asciigraph.CharSet
	for _, percentile := range percentiles {
		paints = append(paints, percentile.paint)
		characters = append(characters, asciigraph.CreateCharSet(percentile.line))
	}
	if colour {
		return append(options, asciigraph.SeriesColors(paints...))
	}
	return append(options, asciigraph.SeriesChars(characters...))
}

func legend(colour bool) string {
	if colour {
		return "; p50 green, p99 yellow, max red"
	}
	return "; p50 ·, p99 o, max *"
}

func inMilliseconds(latency *float64) string {
	if latency == nil {
		return "-"
	}
	return fmt.Sprintf("%.1fms", *latency)
}
