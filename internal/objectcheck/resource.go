// SPDX-License-Identifier: Apache-2.0

package objectcheck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

const (
	// acceptList is what client-go's metadata client sends, with which the namespace controller lists.
	acceptList = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1," +
		"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
	// acceptWatch is without protobuf: the events are read as a stream.
	acceptWatch = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
	// noObject selects none, so that a watch has only its bookmark to send.
	noObject = "aggregation.extensionapi.dev/object-check=none"
)

// errNoBookmark ends a watch that sends nothing.
var errNoBookmark = errors.New("no bookmark")

// resource checks LIST and WATCH of a resource, as far as it advertises them, and they are permitted.
func (s Session) resource(ctx context.Context, resource objects.Resource) (result objects.Result) {
	if resource.Listable {
		result.Add(s.List(ctx, resource))
	}
	if resource.Watchable {
		result.Add(s.Watch(ctx, resource))
	}
	result.Denied = result.Denied[:min(1, len(result.Denied))]
	result.Checked = min(1, result.Checked)
	return result
}

// List checks LIST of a resource.
func (s Session) List(ctx context.Context, resource objects.Resource) objects.Result {
	return s.request(ctx, "list", resource, s.list)
}

// Watch checks WATCH of a resource.
func (s Session) Watch(ctx context.Context, resource objects.Resource) objects.Result {
	return s.request(ctx, "watch", resource, s.watch)
}

// attempt sends a request once. The answer to one that is transient may be different in a moment.
type attempt func(context.Context, objects.Resource) (result objects.Result, transient bool)

func (s Session) request(
	ctx context.Context, verb string, resource objects.Resource, send attempt,
) objects.Result {
	switch permitted, err := s.Permitted(ctx, verb, resource.GroupVersionResource()); {
	case err != nil:
		return objects.Result{Err: err}
	case !permitted:
		return objects.Result{Denied: []objects.Resource{resource}}
	}
	result := s.twice(ctx, func() (objects.Result, bool) { return send(ctx, resource) })
	result.Checked = 1
	return result
}

// isPermittedNow reports whether a resource that was denied can be checked completely.
func (c *Checker) isPermittedNow(ctx context.Context, resource objects.Resource) bool {
	for verb, advertised := range map[string]bool{"list": resource.Listable, "watch": resource.Watchable} {
		if !advertised {
			continue
		}
		if permitted, err := c.Permitted(ctx, verb, resource.GroupVersionResource()); err != nil || !permitted {
			return false
		}
	}
	return true
}

// twice repeats a request whose answer may be different in a moment.
func (s Session) twice(ctx context.Context, request func() (result objects.Result, transient bool)) objects.Result {
	result, transient := request()
	if !transient {
		return result
	}
	select {
	case <-ctx.Done():
	case <-s.Clock.After(s.Patience.Pause):
		result, _ = request()
	}
	return result
}

// isTransient reports whether kube-apiserver may answer so by itself.
func isTransient(status int) bool {
	switch status {
	case http.StatusNotFound, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

func (s Session) list(ctx context.Context, resource objects.Resource) (result objects.Result, transient bool) {
	var answer objects.Answer
	err := s.get(ctx, path(resource)+"?limit=1", acceptList, func(response *http.Response) error {
		answer = expect(response, func(io.Reader) error { return documents.ReadObjectList(response) })
		return nil
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		answer.Err = fmt.Errorf("got no answer within %s", s.Patience.Answer)
	case err != nil, answer.Status == http.StatusTooManyRequests:
		return objects.Result{Err: errors.Join(err, answer.Err)}, true
	}
	if problem, found := objects.JudgeList(resource, answer); found {
		result.Problems = []objects.Problem{problem}
	}
	return result, isTransient(answer.Status)
}

// watch opens a watch as an informer does, until the bookmark after the initial events.
func (s Session) watch(ctx context.Context, resource objects.Resource) (result objects.Result, transient bool) {
	ctx, cancel := context.WithTimeout(ctx, s.Patience.Watch)
	defer cancel()
	silent, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	timer := s.Clock.AfterFunc(s.Patience.Bookmark, func() { stop(errNoBookmark) })
	defer timer.Stop()
	var answer objects.Answer
	watched := path(resource) + "?" + s.Patience.initialEvents().Encode()
	err := s.do(silent, watched, acceptWatch, func(response *http.Response) error {
		answer = expect(response, func(body io.Reader) error {
			return documents.ReadInitialEvents(body, func() { timer.Reset(s.Patience.Bookmark) })
		})
		return nil
	})
	withoutBookmark := objects.Result{Problems: []objects.Problem{objects.WithoutBookmark(resource, s.Patience.Bookmark)}}
	switch {
	case errors.Is(context.Cause(silent), errNoBookmark), errors.Is(answer.Err, io.EOF): // the Pod may have ended
		return withoutBookmark, true
	case errors.Is(answer.Err, documents.ErrWatchError):
		return result, false
	case err != nil, answer.Status == http.StatusTooManyRequests, ctx.Err() != nil:
		return objects.Result{Err: errors.Join(err, answer.Err, ctx.Err())}, true
	}
	if problem, found := objects.JudgeWatch(resource, answer); found {
		result.Problems = []objects.Problem{problem}
	}
	return result, isTransient(answer.Status)
}

// initialEvents are the parameters that informers of client-go send first (tools/cache/reflector.go).
func (p Patience) initialEvents() url.Values {
	return url.Values{
		"watch":                {"true"},
		"allowWatchBookmarks":  {"true"},
		"sendInitialEvents":    {"true"},
		"resourceVersionMatch": {string(metav1.ResourceVersionMatchNotOlderThan)},
		"timeoutSeconds":       {fmt.Sprint(int(p.Watch.Seconds()))},
		"labelSelector":        {noObject},
	}
}

// path is that of the objects in all namespaces.
func path(resource objects.Resource) string {
	return "/apis/" + resource.GroupVersion.String() + "/" + resource.Name
}
