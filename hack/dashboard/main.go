// SPDX-License-Identifier: Apache-2.0

// Command dashboard evaluates every query of a Grafana dashboard on a Prometheus server, and draws the panels to a PNG
// file. It fails if a query is invalid or has no result.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"time"
)

type options struct {
	url, file, output string
	span              time.Duration
	rateInterval      string
	// optional matches the queries that may have no result.
	optional *regexp.Regexp
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, parseFlags())
	if err != nil {
		fmt.Fprintln(os.Stderr, "dashboard:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func parseFlags() options {
	o := options{}
	flag.StringVar(&o.url, "prometheus", "http://localhost:9090", "address of Prometheus")
	flag.StringVar(&o.file, "dashboard", "", "file of the dashboard")
	flag.StringVar(&o.output, "output", "dashboard.png", "file to draw to")
	flag.DurationVar(&o.span, "range", time.Hour, "time range of the panels, until now")
	flag.StringVar(&o.rateInterval, "rate-interval", "2m", "what $__rate_interval stands for: four scrape intervals")
	optional := flag.String("optional", "^$", "regular expression of queries that may have no result")
	flag.Parse()
	o.optional = regexp.MustCompile(*optional)
	return o
}

// run draws what has a result, and returns an error for all that has none.
func run(ctx context.Context, o options) error {
	read, err := readDashboard(o.file)
	if err != nil {
		return err
	}
	client := prometheus{url: o.url, end: time.Now(), span: o.span}
	values, err := valuesOf(ctx, client, read.Templating.List, o.rateInterval)
	if err != nil {
		return err
	}
	var problems []error
	results := map[int][]series{}
	for _, panel := range read.Panels {
		for _, target := range panel.Targets {
			found, err := client.evaluate(ctx, target, values)
			if err == nil && len(found) == 0 && !o.optional.MatchString(target.Expr) {
				err = errors.New("no result")
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("panel %q: %w: %s", panel.Title, err, target.Expr))
			}
			results[panel.ID] = append(results[panel.ID], found...)
		}
		fmt.Printf("%-50s %d series\n", panel.Title, len(results[panel.ID]))
	}
	return errors.Join(append(problems, drawAll(o.output, read.Panels, results, client))...)
}
