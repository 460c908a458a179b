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

// answerTimeout is above the 5 seconds after which kube-apiserver itself gives up.
const answerTimeout = 10 * time.Second

// clientsOf returns a client for each kube-apiserver, by its address.
type clientsOf func(context.Context) (map[string]*http.Client, error)

// askAll asks all kube-apiservers at the same time. What comes of each, by its address, is an answer or a failure.
func askAll[T any](
	ctx context.Context, of clientsOf, ask func(ctx context.Context, httpClient *http.Client, address string) (T, error),
) (answers map[string]T, failures map[string]string) {
	clients, err := of(ctx)
	if err != nil {
		return nil, map[string]string{"all": excerpt.Of(err.Error(), limits.Text)}
	}
	return askEach(ctx, clients, ask)
}

func askEach[T any](
	ctx context.Context, clients map[string]*http.Client,
	ask func(ctx context.Context, httpClient *http.Client, address string) (T, error),
) (answers map[string]T, failures map[string]string) {
	answers, failures = map[string]T{}, map[string]string{}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for address, httpClient := range clients {
		asking.Go(func() {
			answer, err := ask(ctx, httpClient, address)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures[address] = excerpt.Of(err.Error(), limits.Text)
			} else {
				answers[address] = answer
			}
		})
	}
	asking.Wait()
	return answers, failures
}

// get asks one kube-apiserver, and returns what read makes of its answer, whatever the status of that is. What read
// does not read is dropped.
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
