// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

const (
	// maxBody is far above the discovery document of any group-version.
	maxBody = 16 << 20
	// maxExcerpt is how much of an error's text is repeated.
	maxExcerpt = 200
	// timeoutMargin lets a request that is only just too slow be told from one that hangs.
	timeoutMargin = time.Second
)

// asker sends discovery requests with one identity.
type asker struct {
	clock  clock.PassiveClock
	client *http.Client
	// token is sent along, unless it is empty.
	token string
	limit time.Duration
}

// ask sends one discovery request and reads the whole answer.
func (a asker) ask(ctx context.Context, key Key) Sample {
	timeout := max(a.limit, AggregatorTimeout) + timeoutMargin
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stopwatch := stopwatch{clock: a.clock, start: a.clock.Now()}
	body, err := a.get(stopwatch.watch(ctx), "https://"+key.Address+"/apis/"+key.GroupVersion.String())
	latency, timing := stopwatch.stop()
	resources := 0
	if err == nil {
		resources, err = countResources(body, key.GroupVersion)
	}
	return Sample{Latency: latency, Timing: timing, Resources: resources, Err: newProbeError(err, timeout)}
}

func (a asker) get(ctx context.Context, target string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, &statusError{response.StatusCode, response.Status, excerpt(response, body)}
	}
	if len(body) > maxBody {
		return nil, &answerError{ClassOversized, fmt.Sprintf("answered more than %d MiB", maxBody>>20)}
	}
	return body, nil
}

// excerpt is the beginning of what an error says, where it is for people.
func excerpt(response *http.Response, body []byte) string {
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(body[:min(len(body), maxExcerpt)])), "\n")
	return strings.ToValidUTF8(line, "")
}

// countResources makes sure that the answer speaks of the group-version that was asked for.
func countResources(body []byte, groupVersion schema.GroupVersion) (int, error) {
	list := metav1.APIResourceList{}
	if err := json.Unmarshal(body, &list); err != nil {
		return 0, &answerError{ClassMalformed, fmt.Sprintf("answered something that is no APIResourceList: %v", err)}
	}
	if list.GroupVersion != groupVersion.String() {
		return 0, &answerError{
			ClassMalformed,
			fmt.Sprintf("answered for group-version %q instead of %q", list.GroupVersion, groupVersion),
		}
	}
	return len(list.APIResources), nil
}
