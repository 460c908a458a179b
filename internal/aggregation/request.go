// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// answerTimeout exceeds the 5 seconds after which kube-apiserver itself gives up.
const answerTimeout = 10 * time.Second

// clientsOf returns a client for each kube-apiserver, by its address.
type clientsOf func(context.Context) (map[string]*http.Client, error)

// queryAll queries all kube-apiservers concurrently. Each has, by its address, an answer or a failure.
func queryAll[T any](
	ctx context.Context, of clientsOf, query func(ctx context.Context, httpClient *http.Client, address string) (T, error),
) (answers map[string]T, failures map[string]string) {
	clients, err := of(ctx)
	if err != nil {
		return nil, map[string]string{"all": excerpt.Of(err.Error(), limits.Text)}
	}
	return queryEach(ctx, clients, query)
}

func queryEach[T any](
	ctx context.Context, clients map[string]*http.Client,
	query func(ctx context.Context, httpClient *http.Client, address string) (T, error),
) (answers map[string]T, failures map[string]string) {
	answers, failures = map[string]T{}, map[string]string{}
	var mu sync.Mutex
	var pending sync.WaitGroup
	for address, httpClient := range clients {
		pending.Go(func() {
			answer, err := query(ctx, httpClient, address)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures[address] = excerpt.Of(err.Error(), limits.Text)
			} else {
				answers[address] = answer
			}
		})
	}
	pending.Wait()
	return answers, failures
}

// get sends a request to one kube-apiserver, and returns what read returns for the response, whatever its status. The
// unread rest of the body is dropped.
func get[T any](
	ctx context.Context, httpClient *http.Client, address, path string, header http.Header,
	read func(*http.Response) (T, error),
) (result T, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		return result, err
	}
	request.Header = header
	response, err := httpClient.Do(request)
	if err != nil {
		return result, err
	}
	defer func() { _ = response.Body.Close() }()
	return read(response)
}
