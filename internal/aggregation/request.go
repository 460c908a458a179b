// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// answerTimeout is above the 5 seconds after which kube-apiserver itself gives up.
	answerTimeout = 10 * time.Second
	// maxBody is far above the discovery document of any cluster.
	maxBody = 64 << 20
)

// answer has been read to its end, which leaves the connection to the next request.
type answer struct {
	code   int
	status string
	etag   string
	body   []byte
}

// clientsOf returns a client for each kube-apiserver, by its address.
type clientsOf func(context.Context) (map[string]*http.Client, error)

// askAll asks all kube-apiservers at the same time. What comes of each, by its address, is an answer or a failure.
func askAll[T any](
	ctx context.Context, of clientsOf, ask func(ctx context.Context, httpClient *http.Client, address string) (T, error),
) (answers map[string]T, failures map[string]string) {
	answers, failures = map[string]T{}, map[string]string{}
	clients, err := of(ctx)
	if err != nil {
		failures["all"] = err.Error()
	}
	var mu sync.Mutex
	var asking sync.WaitGroup
	for address, httpClient := range clients {
		asking.Go(func() {
			answer, err := ask(ctx, httpClient, address)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures[address] = err.Error()
			} else {
				answers[address] = answer
			}
		})
	}
	asking.Wait()
	return answers, failures
}

// get asks one kube-apiserver. Any status is an answer; of the body, the first 64 MiB are read.
func get(ctx context.Context, httpClient *http.Client, address, path string, header http.Header) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		return answer{}, err
	}
	request.Header = header
	response, err := httpClient.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return answer{response.StatusCode, response.Status, response.Header.Get("ETag"), body}, err
}
