// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"slices"
)

// writeGrowth prints how figures grow with the number of ExtensionAPIs, fitted by least squares: the exponents, of
// which 1 is in proportion, and how much memory each takes.
func writeGrowth(w io.Writer, results []*result) {
	for _, way := range []string{byHand, byOperator, withServer} {
		measured := slices.DeleteFunc(slices.Clone(results), func(r *result) bool { return r.way != way })
		if len(measured) < 2 {
			continue
		}
		_, _ = fmt.Fprintf(w, "\n%s, exponents of growth: served %.2f, CPU of kube-apiserver %.2f", way,
			exponent(measured, func(r *result) float64 { return r.served.Seconds() }),
			exponent(measured, func(r *result) float64 { return r.kubeAPIServer.Seconds() }))
		if way != byHand {
			base, each := line(measured, func(r *result) (x, y float64) { return float64(r.size), r.memory })
			_, _ = fmt.Fprintf(w, ", of the operator %.2f, requests %.2f; memory %.1f MiB + %.3f MiB for each",
				exponent(measured, func(r *result) float64 { return r.operator.Seconds() }),
				exponent(measured, func(r *result) float64 { return float64(r.requests.total()) }), base, each)
		}
		_, _ = fmt.Fprintln(w)
	}
}

// exponent is the slope of a figure in a diagram with two logarithmic scales.
func exponent(measured []*result, of func(*result) float64) float64 {
	_, slope := line(measured, func(r *result) (x, y float64) { return math.Log(float64(r.size)), math.Log(of(r)) })
	return slope
}

// line is the one with the least squares through points.
func line(measured []*result, point func(*result) (x, y float64)) (base, slope float64) {
	var n, sumX, sumY, sumXX, sumXY float64
	for _, r := range measured {
		x, y := point(r)
		n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	slope = (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
	return (sumY - slope*sumX) / n, slope
}
