// SPDX-License-Identifier: Apache-2.0

// Package contract tests what Kubernetes and kubectl expect of an extension API server, by requests through
// kube-apiserver. They change nothing, but for the tests that the user chooses.
package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Status is the result of a case.
type Status string

// The results. Skipped is for what the server does not offer, or the user may not request.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Case is one expectation.
type Case struct {
	Name   string        `json:"name"`
	Status Status        `json:"status"`
	Took   time.Duration `json:"tookNanoseconds"`
	// Detail is why it failed or was skipped, or what was measured.
	Detail string `json:"detail,omitempty"`
}

// Suite are the cases of a group-version.
type Suite struct {
	Name  string `json:"name"`
	Cases []Case `json:"cases"`
}

// Passed reports whether no case failed.
func (s Suite) Passed() bool {
	return !slices.ContainsFunc(s.Cases, func(c Case) bool { return c.Status == Failed })
}

// Options of a run.
type Options struct {
	// Load is the number of discovery requests that latencies are measured with, 0 for none.
	Load int
	// Admission permits to create a ValidatingAdmissionPolicy for a moment.
	Admission bool
}

// tester runs the cases of one group-version.
type tester struct {
	cluster *connect.Cluster
	clock   clock.WithDelayedExecution
	version schema.GroupVersion
	cases   []Case
	// document reads OpenAPI v3 once.
	document func() (openAPI, error)
	// accepted are objects whose creation passed in a dry run.
	accepted []candidate
}

// Run tests the server of a group-version.
func Run(
	ctx context.Context, cluster *connect.Cluster, clk clock.WithDelayedExecution, version schema.GroupVersion,
	options Options,
) Suite {
	t := &tester{cluster: cluster, clock: clk, version: version}
	t.document = sync.OnceValues(func() (openAPI, error) { return t.readOpenAPI(ctx) })
	t.run("discovery answers within "+discovery.AggregatorTimeout.String(), func() error { return t.discovery(ctx) })
	t.run("aggregated discovery contains the group-version", func() error { return t.aggregated(ctx) })
	t.run("OpenAPI v3 describes the group-version", func() error { return t.openAPI(ctx) })
	t.run("discovery falls back to JSON for clients that prefer protobuf", func() error {
		return t.expectJSON(ctx, t.path(""), "application/vnd.kubernetes.protobuf,application/json")
	})
	t.objects(ctx)
	if options.Admission {
		t.run("ValidatingAdmissionPolicies are called", func() error { return t.admission(ctx) })
	}
	if options.Load > 0 {
		t.run(fmt.Sprintf("%d discovery requests succeed in time", options.Load), func() error {
			return t.load(ctx, options.Load)
		})
	}
	return Suite{Name: version.String(), Cases: t.cases}
}

// skippedError is the result of a case that cannot be tested, and notedError of one that passed with something to say.
type (
	skippedError struct{ why string }
	notedError   struct{ what string }
)

func (e skippedError) Error() string { return e.why }

func (e notedError) Error() string { return e.what }

func (t *tester) run(name string, test func() error) {
	start := t.clock.Now()
	err := test()
	result := Case{Name: name, Status: Passed, Took: t.clock.Since(start)}
	if skipped, ok := errors.AsType[skippedError](err); ok {
		result.Status, result.Detail = Skipped, skipped.why
	} else if noted, ok := errors.AsType[notedError](err); ok {
		result.Detail = noted.what
	} else if err != nil {
		result.Status, result.Detail = Failed, err.Error()
	}
	t.cases = append(t.cases, result)
}

// pause returns the error of the context if that ends first.
func (t *tester) pause(ctx context.Context, interval time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.clock.After(interval):
		return nil
	}
}

func (t *tester) path(below string) string { return "/apis/" + t.version.String() + below }

func (t *tester) discovery(ctx context.Context) error {
	sample := t.sample(ctx)
	switch {
	case sample.Err != nil:
		return sample.Err
	case sample.Latency > discovery.AggregatorTimeout:
		return fmt.Errorf("it took %s", sample.Rounded())
	case sample.Resources == 0:
		return notedError{"it has no resources"}
	default:
		return notedError{"in " + sample.Rounded()}
	}
}

func (t *tester) sample(ctx context.Context) discovery.Sample {
	key := discovery.ThroughKubeAPIServer(connect.Address, t.version)
	return discovery.Once(ctx, t.clock, t.cluster.HTTP, key)
}

func (t *tester) aggregated(ctx context.Context) error {
	header := http.Header{"Accept": {aggregation.AcceptAggregated}}
	return t.request(ctx, "/apis", header, func(response *http.Response) error {
		if response.StatusCode == http.StatusNotAcceptable {
			return skippedError{"kube-apiserver has no aggregated discovery"}
		}
		if err := expectOK(response); err != nil {
			return err
		}
		listed, err := aggregation.ReadDiscovery(response)
		if err != nil {
			return err
		}
		switch state, found := listed[t.version]; {
		case !found:
			return errors.New("it is missing")
		case state.Stale:
			return errors.New("it is marked Stale: kube-apiserver cannot read GET /apis of the server")
		case state.Empty:
			return errors.New("it has no resources there")
		}
		return nil
	})
}

func (t *tester) openAPI(ctx context.Context) error {
	return t.request(ctx, "/openapi/v3"+t.path(""), accept("application/json"), func(response *http.Response) error {
		if err := expectOK(response); err != nil {
			return err
		}
		body, err := documents.Body(response)
		if err != nil {
			return err
		}
		return documents.ReadOpenAPIV3(body)
	})
}

// request sends a request, and lets read judge the response.
func (t *tester) request(
	ctx context.Context, path string, header http.Header, read func(*http.Response) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := t.cluster.Get(ctx, path, header)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return read(response)
}

// requestTimeout bounds a request.
const requestTimeout = 10 * time.Second

func accept(types string) http.Header { return http.Header{"Accept": {types}} }

// expectOK is nil for 200, and skips what the user may not request.
func expectOK(response *http.Response) error {
	switch message := documents.ErrorMessage; response.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusForbidden, http.StatusUnauthorized:
		return skippedError{"not permitted: " + message(response)}
	default:
		return fmt.Errorf("answered %s: %s", response.Status, message(response))
	}
}

// expectJSON is for clients that accept JSON among other types.
func (t *tester) expectJSON(ctx context.Context, path, types string) error {
	return t.request(ctx, path, accept(types), func(response *http.Response) error {
		// k8s.io/apiserver does not fall back to JSON when objects have no protobuf encoding.
		if response.StatusCode == http.StatusNotAcceptable {
			return skippedError{"the server answers 406: clients that prefer another encoding than JSON get nothing"}
		}
		if err := expectOK(response); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, limits.ObjectList.Bytes)); err != nil {
			return err
		}
		contentType := response.Header.Get("Content-Type")
		if !strings.HasPrefix(contentType, "application/") {
			return fmt.Errorf("the Content-Type is %q", contentType)
		}
		return nil
	})
}
