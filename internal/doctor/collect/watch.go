// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// watchTimeout is how long the initial events may take. Kubernetes' controllers wait without end.
const watchTimeout = 5 * time.Second

// watchQuery is that of client-go's reflectors. A server that does not support sendInitialEvents refuses it, and they
// list instead.
const watchQuery = "?watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"

// requestWatch watches until the bookmark that ends the initial events. A failure is a matter of lists.
func (c *collector) requestWatch(ctx context.Context, path, resource string) view.Watch {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	header := http.Header{"Accept": {aggregation.AcceptWatch}}
	response, err := c.cluster.Get(ctx, path+resource+watchQuery, header)
	if err != nil {
		return view.Watch{Resource: resource, Hangs: ctx.Err() != nil}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return view.Watch{Resource: resource, Forbidden: isDenied(response)}
	}
	return view.Watch{Resource: resource, Hangs: !hasBookmark(response.Body) && ctx.Err() != nil}
}

// hasBookmark reads until the annotation of the bookmark. A stream that is longer than a list may be counts as good.
func hasBookmark(body io.Reader) bool {
	bounded := &io.LimitedReader{R: body, N: limits.ObjectList.Bytes}
	lines := bufio.NewReader(bounded)
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, metav1.InitialEventsAnnotationKey) || bounded.N == 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
}
