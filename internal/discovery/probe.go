// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
)

const (
	// maxBody is far above the discovery document of any group-version.
	maxBody = 16 << 20
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
	start := a.clock.Now()
	body, err := a.get(ctx, "https://"+key.Address+"/apis/"+key.GroupVersion.String())
	latency := a.clock.Since(start)
	if err == nil {
		err = checkResourceList(body, key.GroupVersion)
	}
	return Sample{Latency: latency, Err: explain(err, timeout)}
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
		return nil, &StatusError{Status: response.Status}
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("answered more than %d MiB", maxBody>>20)
	}
	return body, nil
}

// StatusError says that a request was answered, but not with a document.
type StatusError struct {
	// Status is the code and its text, such as "404 Not Found".
	Status string
}

func (e *StatusError) Error() string { return "answered " + e.Status }

// checkResourceList makes sure that the answer speaks of the group-version that was asked for.
func checkResourceList(body []byte, groupVersion schema.GroupVersion) error {
	list := metav1.APIResourceList{}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("answered something that is no APIResourceList: %w", err)
	}
	if list.GroupVersion != groupVersion.String() {
		return fmt.Errorf("answered for group-version %q instead of %q", list.GroupVersion, groupVersion)
	}
	return nil
}

// streamNumber is what HTTP/2 says of the request that failed; it counts up.
var streamNumber = regexp.MustCompile(`stream ID \d+; `)

// explain words an error so that it is the same each time it happens: without URL, port and stream numbers, and times.
func explain(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no complete answer within %s", timeout)
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if wrapped, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s: %w", wrapped.Op, wrapped.Err)
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Errorf("the serving certificate has expired or is not valid yet: it is valid from %s to %s",
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if err != nil && streamNumber.MatchString(err.Error()) {
		return errors.New(streamNumber.ReplaceAllString(err.Error(), ""))
	}
	return err
}
