// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// requestTimeout bounds one request to Prometheus.
const requestTimeout = 30 * time.Second

// points is how many samples a series has in a panel, at most.
const points = 240

// prometheus is a client of one server, for one time range.
type prometheus struct {
	url  string
	end  time.Time
	span time.Duration
}

// series is one line of a panel.
type series struct {
	labels map[string]string
	legend string
	// times are in seconds since the epoch.
	times, values []float64
}

func (s series) last() float64 { return s.values[len(s.values)-1] }

type result struct {
	Metric map[string]string
	Value  []any
	Values [][]any
}

// evaluate returns the series of a target that have a sample.
func (p prometheus) evaluate(ctx context.Context, target target, values map[string]string) (found []series, err error) {
	end := strconv.FormatInt(p.end.Unix(), 10)
	query := url.Values{"query": {substitute(target.Expr, values)}, "time": {end}}
	path := "/api/v1/query"
	if !target.Instant {
		path = "/api/v1/query_range"
		step := max(p.span/points, time.Second)
		query.Set("start", strconv.FormatInt(p.end.Add(-p.span).Unix(), 10))
		query.Set("end", end)
		query.Set("step", strconv.FormatFloat(step.Seconds(), 'f', 3, 64))
	}
	var data struct{ Result []result }
	if err := p.get(ctx, path, query, &data); err != nil {
		return nil, err
	}
	for _, one := range data.Result {
		decoded := series{labels: one.Metric, legend: legend(target.LegendFormat, one.Metric)}
		for _, sample := range append(one.Values, one.Value) {
			decoded.add(sample)
		}
		if len(decoded.values) > 0 {
			found = append(found, decoded)
		}
	}
	return found, nil
}

// add adds a sample: a time, and a number as a string. NaN is what has no value, such as a ratio of nothing.
func (s *series) add(sample []any) {
	if len(sample) != 2 {
		return
	}
	moment, _ := sample[0].(float64)
	text, _ := sample[1].(string)
	if value, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(value) && !math.IsInf(value, 0) {
		s.times, s.values = append(s.times, moment), append(s.values, value)
	}
}

func (p prometheus) labelValues(ctx context.Context, selector, label string) (values []string, err error) {
	query := url.Values{"match[]": {selector}}
	return values, p.get(ctx, "/api/v1/label/"+label+"/values", query, &values)
}

func (p prometheus) get(ctx context.Context, path string, query url.Values, data any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path+"?"+query.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return fmt.Errorf("%s: %w", response.Status, err)
	}
	if body.Status != "success" {
		return errors.New(body.Error)
	}
	return nil
}
