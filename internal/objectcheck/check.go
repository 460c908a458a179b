// SPDX-License-Identifier: Apache-2.0

// Package objectcheck requests what Kubernetes' own controllers request of a server besides discovery: lists and
// watches of its objects, through kube-apiserver and with the operator's identity, and the documents about them, from
// a replica and with the identity of probes. It waits for the server, so it runs in the background.
package objectcheck

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

// UserAgent is sent with each request, so that an audit log shows them.
const UserAgent = "extensionapi-operator/object-check"

const (
	// timeout bounds the check of one server.
	timeout = 5 * time.Minute
	// answerTimeout bounds one request but for a watch.
	answerTimeout = 30 * time.Second
	// atOnce is how many resources of a server are checked at the same time.
	atOnce = 4
)

// Checker checks servers.
type Checker struct {
	// KubeAPIServers has a client with the operator's credentials for each kube-apiserver.
	KubeAPIServers func(context.Context) (map[string]*http.Client, error)
	// Permitted reports whether RBAC permits the operator a verb, so that the audit log has no refusal in it, and a 403
	// is the server's own.
	Permitted func(ctx context.Context, verb string, resource schema.GroupVersionResource) (bool, error)
	// Document requests a document of a replica, see discovery.Prober.
	Document func(ctx context.Context, of discovery.Target, address, path string, header http.Header,
		read func(*http.Response) error) error
	Clock clock.WithDelayedExecution
}

// Target is what to check of one server.
type Target struct {
	GroupVersions []schema.GroupVersion
	// Replica is the address of the one whose documents are requested, and Trust how it is verified.
	Replica string
	Trust   discovery.Target
	// Last is the last result if it stays as long as the operator has no other permissions, nil otherwise.
	Last *objects.Result
}

// check is one of a server.
type check struct {
	*Checker
	target Target
	// client and address are of the kube-apiserver that requests are sent through.
	client  *http.Client
	address string
}

// Check checks a server once.
func (c *Checker) Check(ctx context.Context, target Target) (result objects.Result) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if target.Last != nil && !c.isPermittedNow(ctx, target.Last.Denied[0]) {
		return *target.Last
	}
	result.Requested = c.Clock.Now()
	clients, err := c.KubeAPIServers(ctx)
	if err != nil {
		return objects.Result{Err: err}
	}
	address := slices.Min(slices.Collect(maps.Keys(clients)))
	one := check{Checker: c, target: target, client: clients[address], address: address}
	aggregated, err := one.aggregated(ctx)
	result.Add(objects.Result{Err: err})
	for _, groupVersion := range target.GroupVersions {
		result.Add(one.groupVersion(ctx, groupVersion, aggregated))
	}
	result.Add(one.openAPI(ctx))
	return result
}

// groupVersion checks each resource of a group-version.
func (c check) groupVersion(
	ctx context.Context, groupVersion schema.GroupVersion, aggregated aggregated,
) (result objects.Result) {
	resources, err := c.resources(ctx, groupVersion)
	switch {
	case err != nil: // DiscoveryWithinLimit reports that
		return objects.Result{Err: err}
	case len(resources) == 0:
		result.Empty = []schema.GroupVersion{groupVersion}
		return result
	}
	if aggregated != nil {
		if problem, found := objects.Compare(groupVersion, resources, aggregated[groupVersion]); found {
			result.Problems = append(result.Problems, problem)
		}
	}
	result.Left = max(0, len(resources)-limits.CheckedResources)
	resources = resources[:len(resources)-result.Left]
	results := make([]objects.Result, len(resources))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, resource := range resources {
		group.Go(func() error {
			results[i] = c.resource(ctx, resource)
			return nil
		})
	}
	_ = group.Wait() // each has its error in its result
	for _, each := range results {
		result.Add(each)
	}
	return result
}

// resources are those of a group-version as kube-apiserver's clients see them, without subresources.
func (c check) resources(ctx context.Context, groupVersion schema.GroupVersion) (found []objects.Resource, err error) {
	err = c.get(ctx, "/apis/"+groupVersion.String(), "application/json", func(response *http.Response) error {
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("GET /apis/%s answered %s", groupVersion, response.Status)
		}
		body, err := documents.Body(response)
		if err != nil {
			return err
		}
		return documents.EachResource(body, func(resource documents.Resource) error {
			// A name must not lead to another path.
			if !resource.IsSubresource() && len(validation.IsDNS1123Subdomain(resource.Name)) == 0 &&
				len(found) < limits.ComparedResources {
				found = append(found, objects.Resource{GroupVersion: groupVersion, Resource: resource})
			}
			return nil
		})
	})
	return found, err
}

// get sends a request through kube-apiserver. The unread rest of the body is dropped.
func (c check) get(ctx context.Context, path, accept string, read func(*http.Response) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	return c.do(ctx, path, accept, read)
}

func (c check) do(ctx context.Context, path, accept string, read func(*http.Response) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.address+path, http.NoBody)
	if err != nil {
		return err
	}
	request.Header = header(accept)
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return read(response)
}

func header(accept string) http.Header {
	return http.Header{"Accept": {accept}, "User-Agent": {UserAgent}}
}

// expect reads a response that should be OK.
func expect(response *http.Response, read func(io.Reader) error) objects.Answer {
	if response.StatusCode != http.StatusOK {
		return objects.Answer{Status: response.StatusCode, Err: failure(response)}
	}
	body, err := documents.Body(response)
	if err == nil {
		err = read(body)
	}
	return objects.Answer{Status: response.StatusCode, Err: err}
}

// failure is a response with another status than 200.
func failure(response *http.Response) error {
	if message := documents.ErrorMessage(response); message != "" {
		return fmt.Errorf("answered %s: %s", response.Status, message)
	}
	return fmt.Errorf("answered %s", response.Status)
}
