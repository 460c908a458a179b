// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"net/http"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
)

// watchTimeout is how long the initial events may take. Kubernetes' controllers wait without end.
const watchTimeout = 5 * time.Second

// requestWatch watches until the bookmark that ends the initial events. A failure is a matter of lists.
func (c *collector) requestWatch(ctx context.Context, path, resource string) view.Watch {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	header := http.Header{"Accept": {aggregation.AcceptWatch}}
	response, err := c.cluster.Get(ctx, path+resource+aggregation.WatchQuery, header)
	if err != nil {
		return view.Watch{Resource: resource, Hangs: ctx.Err() != nil}
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return view.Watch{Resource: resource, Forbidden: isDenied(response)}
	}
	return view.Watch{Resource: resource, Hangs: !documents.EndsInitialEvents(response.Body) && ctx.Err() != nil}
}
