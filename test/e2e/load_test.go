// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/rest"
)

const (
	// turnsPerSecond is slightly lower than the rate of requests: creating and deleting is one turn.
	turnsPerSecond = 50
	// readsPerSecond is for servers that hang. On an HTTP/2 connection, at most 250 requests may hang, including canceled
	// ones, and kube-apiserver detects after 45 s that there is no response: more requests would make it reconnect
	// earlier.
	readsPerSecond   = 5
	loadConnections  = 3
	loadTimeout      = 10 * time.Second
	distinctFailures = 5
)

// load is an open-loop load of independent users: at a fixed rate, regardless of the responses, so that a request that
// hangs does not delay others. Requests are not retried.
type load struct {
	what    string
	clients []*http.Client
	address string
	// object is the name of the Flunder that users read.
	object string
	// rate is the number of turns per second, and take performs one.
	rate  int
	take  func(ctx context.Context, turn int)
	start time.Time
	stop  context.CancelFunc
	turns sync.WaitGroup

	mutex    sync.Mutex
	requests int
	slowest  time.Duration
	failures map[string]*failure
}

// failure is how often requests failed with an error, and when, relative to the start.
type failure struct {
	count       int
	first, last time.Duration
}

// lossless sends load until end, which fails the test if any request has failed.
func lossless(t *testing.T) (end func()) {
	t.Helper()
	l := startLoad(t)
	return func() {
		if failed := l.end(t); failed > 0 {
			t.Errorf("%d of %d requests failed", failed, l.requests)
		}
	}
}

// startLoad starts a load that uses Flunders. It returns when each kind of request has been sent more than once.
func startLoad(t *testing.T) *load {
	t.Helper()
	l := newLoad(t, turnsPerSecond)
	l.object = createLoadObject(t)
	l.take = l.useFlunders
	l.begin(t)
	return l
}

// startReading starts a load that only reads, one path after the other, at a rate for servers that hang.
func startReading(t *testing.T, paths ...string) *load {
	t.Helper()
	return startReadingAt(t, readsPerSecond, paths...)
}

func startReadingAt(t *testing.T, rate int, paths ...string) *load {
	t.Helper()
	l := newLoad(t, rate)
	l.take = func(ctx context.Context, turn int) {
		l.send(ctx, l.clients[turn%len(l.clients)], http.MethodGet, paths[turn%len(paths)], "")
	}
	l.begin(t)
	return l
}

func newLoad(t *testing.T, rate int) *load {
	t.Helper()
	return &load{
		what:     strings.ReplaceAll(path.Base(t.Name()), "_", " "),
		clients:  loadClients(t),
		address:  userConfig.Host,
		rate:     rate,
		failures: map[string]*failure{},
	}
}

func (l *load) begin(t *testing.T) {
	t.Helper()
	var ctx context.Context
	ctx, l.stop = context.WithCancel(t.Context())
	l.start = time.Now()
	progress("load %q begins", l.what)
	l.turns.Go(func() { l.run(ctx) })
	eventually(t, time.Minute, l.hasSent(l.rate))
}

// end stops the load after another five seconds, prints the results, and returns the number of failed requests.
func (l *load) end(t *testing.T) int {
	t.Helper()
	if !t.Failed() {
		eventually(t, time.Minute, l.hasSent(l.sent()+5*l.rate))
	}
	l.stop()
	lasted := time.Since(l.start)
	l.turns.Wait()
	l.print()
	if rate := float64(l.requests) / lasted.Seconds(); rate < 0.9*float64(l.rate) {
		t.Errorf("only %.1f requests per second were sent, which is too few", rate)
	}
	return l.failed()
}

func loadClients(t *testing.T) []*http.Client {
	t.Helper()
	config := rest.CopyConfig(userConfig)
	config.Timeout = loadTimeout
	config.Dial = (&net.Dialer{}).DialContext // a client with its own dialer has its own connections
	var clients []*http.Client
	for range loadConnections {
		client, err := rest.HTTPClientFor(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.CloseIdleConnections)
		clients = append(clients, client)
	}
	return clients
}

// createLoadObject creates a Flunder, and deletes it and the leftovers of failed requests when the test ends. Neither
// is part of the load. It returns the name, which is unique, so that leftovers of one test do not affect another one.
func createLoadObject(t *testing.T) string {
	t.Helper()
	resource := schema.GroupVersionResource{Group: flunderGroup, Version: "v1beta1", Resource: "flunders"}
	flunder := &unstructured.Unstructured{}
	flunder.SetGroupVersionKind(resource.GroupVersion().WithKind("Flunder"))
	flunder.SetGenerateName("load-")
	flunders := objects.Resource(resource).Namespace(metav1.NamespaceDefault)
	var created *unstructured.Unstructured
	eventually(t, time.Minute, func(ctx context.Context) (err error) {
		created, err = flunders.Create(ctx, flunder, metav1.CreateOptions{})
		return err
	})
	t.Cleanup(func() {
		_, err := poll(context.WithoutCancel(t.Context()), time.Minute, func(ctx context.Context) error {
			return flunders.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
		})
		if err != nil {
			t.Errorf("deleting the Flunders: %v", err)
		}
	})
	return created.GetName()
}

// run starts each turn on schedule, and catches up when it has been delayed.
func (l *load) run(ctx context.Context) {
	interval := time.Second / time.Duration(l.rate)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	unhurried := context.WithoutCancel(ctx) // requests in flight are completed
	for turn := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for ; time.Since(l.start) >= time.Duration(turn)*interval; turn++ {
			l.turns.Go(func() { l.take(unhurried, turn) })
		}
	}
}

// useFlunders cycles through all kinds of requests, in both versions and over all connections.
func (l *load) useFlunders(ctx context.Context, turn int) {
	client := l.clients[turn%len(l.clients)]
	version := []string{"v1beta1", "v1alpha1"}[turn%2]
	groupVersion := "/apis/" + flunderGroup + "/" + version
	flunders := groupVersion + "/namespaces/default/flunders"
	switch turn / 2 % 4 {
	case 0:
		l.send(ctx, client, http.MethodGet, groupVersion, "")
	case 1:
		l.send(ctx, client, http.MethodGet, flunders, "")
	case 2:
		l.send(ctx, client, http.MethodGet, flunders+"/"+l.object, "")
	case 3:
		name := l.object + "-" + rand.String(10)
		if l.send(ctx, client, http.MethodPost, flunders, fmt.Sprintf(
			`{"apiVersion":"%s/%s","kind":"Flunder","metadata":{"name":%q}}`, flunderGroup, version, name)) {
			l.send(ctx, client, http.MethodDelete, flunders+"/"+name, "")
		}
	}
}

// send sends a request, counts it, and reports whether it succeeded.
func (l *load) send(ctx context.Context, client *http.Client, method, path, body string) bool {
	sent := time.Since(l.start)
	err := exchange(ctx, client, method, l.address+path, body)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.requests++
	l.slowest = max(l.slowest, time.Since(l.start)-sent)
	if err == nil {
		return true
	}
	text := method + ": " + err.Error()
	if l.failures[text] == nil {
		l.failures[text] = &failure{first: sent}
	}
	l.failures[text].count++
	l.failures[text].last = max(l.failures[text].last, sent) // requests that hang fail later than some sent after them
	return false
}

// exchange sends a request and reads the response, which must be successful.
func exchange(ctx context.Context, client *http.Client, method, address, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return errors.New(withoutPorts(err))
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %.300s", response.Status, strings.TrimSpace(string(answer)))
	}
	return nil
}

var clientPort = regexp.MustCompile(`:\d+->`)

// withoutPorts returns the text of an error without what differs between requests: the URL and the client port.
func withoutPorts(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	return clientPort.ReplaceAllString(err.Error(), "->")
}

func (l *load) sent() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.requests
}

func (l *load) hasSent(requests int) func(context.Context) error {
	return func(context.Context) error {
		if sent := l.sent(); sent < requests {
			return fmt.Errorf("%d requests were sent, want %d", sent, requests)
		}
		return nil
	}
}

// lastFailure returns when the last failed request was sent, or the zero value if none has failed.
func (l *load) lastFailure() (last time.Time) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, failure := range l.failures {
		if sent := l.start.Add(failure.last); sent.After(last) {
			last = sent
		}
	}
	return last
}

// hasFailed succeeds when a request has failed.
func (l *load) hasFailed(context.Context) error {
	if l.lastFailure().IsZero() {
		return errors.New("no request has failed")
	}
	return nil
}

// isSteady succeeds when no recently sent request has failed. It takes into account that requests that hang fail late.
func (l *load) isSteady(context.Context) error {
	if since := time.Since(l.lastFailure()); since < loadTimeout+5*time.Second {
		return fmt.Errorf("a request that was sent %s ago has failed", since.Round(time.Second))
	}
	return nil
}

func (l *load) failed() int {
	failed := 0
	for _, failure := range l.failures {
		failed += failure.count
	}
	return failed
}

// print prints how many requests failed, and with which errors, the most frequent first.
func (l *load) print() {
	progress("load %q: %d requests in %s, %d failed; the slowest took %s", l.what, l.requests,
		time.Since(l.start).Round(time.Second), l.failed(), l.slowest.Round(time.Millisecond))
	texts := slices.SortedFunc(maps.Keys(l.failures), func(a, b string) int {
		return cmp.Compare(l.failures[b].count, l.failures[a].count)
	})
	for _, text := range texts[:min(len(texts), distinctFailures)] {
		f := l.failures[text]
		progress("  %d times, from %s to %s after the start: %s", f.count, f.first.Round(time.Second),
			f.last.Round(time.Second), text)
	}
	if more := len(texts) - distinctFailures; more > 0 {
		progress("  and in %d other ways", more)
	}
}
