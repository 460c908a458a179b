// SPDX-License-Identifier: Apache-2.0

package objectcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

// acceptAggregated is for the aggregated discovery of a server.
const acceptAggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// Aggregated is aggregated discovery.
type Aggregated map[schema.GroupVersion][]documents.Resource

// aggregated reads GET /apis. It returns nil for a server that has no aggregated discovery, or too much to compare.
func (c check) aggregated(ctx context.Context) (found Aggregated, err error) {
	answer, err := c.document(ctx, "/apis", acceptAggregated, func(body io.Reader) (err error) {
		found, err = readAggregated(body, limits.Discovery)
		return err
	})
	if answer.Err != nil { // DiscoveryWithinLimit reports what matters of that
		return nil, err
	}
	return found, err
}

// Aggregated reads the aggregated discovery of kube-apiserver, which contains that of each server. It returns nil if
// there is none.
func (s Session) Aggregated(ctx context.Context) (found Aggregated, err error) {
	err = s.get(ctx, "/apis", acceptAggregated+",application/json", func(response *http.Response) error {
		return expect(response, func(body io.Reader) (err error) {
			found, err = readAggregated(body, limits.ClusterDiscovery)
			return err
		}).Err
	})
	return found, err
}

func readAggregated(body io.Reader, bounds limits.Document) (found Aggregated, err error) {
	found = Aggregated{}
	kind, err := documents.EachAggregatedResource(body, bounds, func(of schema.GroupVersion, r documents.Resource) error {
		found[of] = append(found[of], r)
		return nil
	})
	if err != nil || kind != "APIGroupDiscoveryList" {
		return nil, err
	}
	return found, nil
}

// openAPI reads the documents that kube-apiserver merges into its own.
func (c check) openAPI(ctx context.Context) (result objects.Result) {
	v2, err := c.document(ctx, "/openapi/v2", "application/json", documents.ReadOpenAPIV2)
	if err != nil {
		return objects.Result{Err: err}
	}
	v3, err := c.document(ctx, "/openapi/v3", "application/json", documents.ReadOpenAPIV3)
	if err != nil {
		return objects.Result{Err: err}
	}
	if isRefused(v2) || isRefused(v3) {
		return result
	}
	result.Problems = objects.JudgeOpenAPI(v2, v3)
	return result
}

// isRefused reports whether a server does not let the identity of probes read a document: kube-apiserver reads it with
// another one.
func isRefused(answer objects.Answer) bool {
	return answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden
}

// document requests a document of the replica. The error is why it could not be requested.
func (c check) document(
	ctx context.Context, path, accept string, read func(io.Reader) error,
) (answer objects.Answer, err error) {
	limited, cancel := context.WithTimeout(ctx, c.Patience.Answer)
	defer cancel()
	keep := func(response *http.Response) error {
		answer = expect(response, read)
		return nil
	}
	err = c.Document(limited, c.target.Trust, c.target.Replica, path, c.header(accept), keep)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return objects.Answer{Err: fmt.Errorf("got no answer within %s", c.Patience.Answer)}, nil
	}
	return answer, err
}
