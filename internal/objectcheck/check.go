// SPDX-License-Identifier: Apache-2.0

// Package objectcheck requests what Kubernetes' own controllers request of a server besides discovery: lists and
// watches of its objects, through kube-apiserver and with the identity of the operator or of a user, and the documents
// about them, from a replica and with the identity of probes. It waits for the server, so the operator runs it in the
// background.
package objectcheck

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

// UserAgent is sent with each request of the operator, so that an audit log shows them.
const UserAgent = "extensionapi-operator/object-check"

// atOnce is how many resources of a server are checked at the same time.
const atOnce = 4

// Checker checks servers.
type Checker struct {
	// KubeAPIServers has a client with the credentials of the operator, or of a user, for each kube-apiserver.
	KubeAPIServers func(context.Context) (map[string]*http.Client, error)
	// Permitted reports whether RBAC permits these credentials a verb, so that the audit log has no refusal in it, and a
	// 403 is the server's own.
	Permitted Permission
	// Document requests a document of a replica, see discovery.Prober.
	Document func(ctx context.Context, of discovery.Target, address, path string, header http.Header,
		read func(*http.Response) error) error
	Clock clock.WithDelayedExecution
	// UserAgent is sent with each request.
	UserAgent string
	Patience  Patience
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

// Session sends requests through one kube-apiserver.
type Session struct {
	*Checker
	// client and address are of the kube-apiserver.
	client  *http.Client
	address string
}

// Begin begins with the first kube-apiserver.
func (c *Checker) Begin(ctx context.Context) (Session, error) {
	clients, err := c.KubeAPIServers(ctx)
	if err != nil {
		return Session{}, err
	}
	address := slices.Min(slices.Collect(maps.Keys(clients)))
	return Session{Checker: c, client: clients[address], address: address}, nil
}

// check is one of a server that the operator reaches.
type check struct {
	Session

	target Target
}

// Check checks a server once.
func (c *Checker) Check(ctx context.Context, target Target) (result objects.Result) {
	ctx, cancel := context.WithTimeout(ctx, c.Patience.Server)
	defer cancel()
	if target.Last != nil && !c.isPermittedNow(ctx, target.Last.Denied[0]) {
		return *target.Last
	}
	result.Requested = c.Clock.Now()
	session, err := c.Begin(ctx)
	if err != nil {
		return objects.Result{Err: err}
	}
	one := check{session, target}
	aggregated, err := one.aggregated(ctx)
	result.Add(objects.Result{Err: err})
	for _, groupVersion := range target.GroupVersions {
		result.Add(one.GroupVersion(ctx, groupVersion, aggregated))
	}
	result.Add(one.openAPI(ctx))
	return result
}

// GroupVersion checks each resource of a group-version, and whether aggregated discovery has the same ones; nil is for
// one that has none, or is not to be compared.
func (s Session) GroupVersion(
	ctx context.Context, groupVersion schema.GroupVersion, aggregated Aggregated,
) (result objects.Result) {
	resources, err := s.Resources(ctx, groupVersion)
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
			results[i] = s.resource(ctx, resource)
			return nil
		})
	}
	_ = group.Wait() // each has its error in its result
	for _, each := range results {
		result.Add(each)
	}
	return result
}

// Resources are those of a group-version as kube-apiserver's clients see them, without subresources.
func (s Session) Resources(
	ctx context.Context, groupVersion schema.GroupVersion,
) (found []objects.Resource, err error) {
	err = s.get(ctx, "/apis/"+groupVersion.String(), "application/json", func(response *http.Response) error {
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
func (s Session) get(ctx context.Context, path, accept string, read func(*http.Response) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.Patience.Answer)
	defer cancel()
	return s.do(ctx, path, accept, read)
}

func (s Session) do(ctx context.Context, path, accept string, read func(*http.Response) error) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.address+path, http.NoBody)
	if err != nil {
		return err
	}
	request.Header = s.header(accept)
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return read(response)
}

func (c *Checker) header(accept string) http.Header {
	return http.Header{"Accept": {accept}, "User-Agent": {c.UserAgent}}
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
