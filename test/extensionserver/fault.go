// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/client-go/discovery"
)

// oversized is more than any client reads of a response.
const oversized = 17 << 20

// answer responds to a request with a document, or with the fault.
func (f Fault) answer(w http.ResponseWriter, r *http.Request, document any) {
	if !pause(r, f.Delay.Duration) {
		return
	}
	trick := trickOf(f.Body)
	switch {
	case trick != nil:
		w.Header().Set("Content-Type", contentType(document))
		trick(w, r, document)
	case f.Status == 0, f.Status == http.StatusOK:
		w.Header().Set("Content-Type", contentType(document))
		f.transfer(w, r, f.spoil(document))
	case f.Status/100 == 3:
		http.Redirect(w, r, "/elsewhere", f.Status)
	default:
		w.WriteHeader(f.Status)
	}
}

func contentType(document any) string {
	if _, aggregated := document.(apidiscoveryv2.APIGroupDiscoveryList); aggregated {
		return discovery.AcceptV2
	}
	return "application/json"
}

// spoil returns the body that is sent for a document.
func (f Fault) spoil(document any) []byte {
	body, _ := json.Marshal(document) // all documents can be marshalled
	switch f.Body {
	case Malformed:
		return []byte("<html><body>It works!</body></html>")
	case Oversized:
		return padded(body)
	case OtherDocument:
		return []byte(`{"kind":"Unrelated","apiVersion":"v1"}`)
	default:
		return body
	}
}

// padding is the beginning of an object with a list. None of its elements is too long for a reader that skips them. It
// is made once: a server that is busy with it fails its liveness probe, and forgets its faults in the restart.
var padding = sync.OnceValue(func() []byte {
	element := `"` + strings.Repeat("x", 1<<10) + `",`
	return []byte(`{"padding":[` + strings.Repeat(element, oversized/len(element)) + `""],`)
})

// padded adds a list to an object.
func padded(object []byte) []byte { return slices.Concat(padding(), object[1:]) }

// transfer sends the first half of the body immediately, and the second half at the end of the transfer.
func (f Fault) transfer(w http.ResponseWriter, r *http.Request, body []byte) {
	half := len(body) / 2
	_, _ = w.Write(body[:half])
	if f.Transfer.Duration > 0 || f.Body == Broken {
		_ = http.NewResponseController(w).Flush()
	}
	if f.Body == Broken {
		panic(http.ErrAbortHandler) //nolint:forbidigo // this is how a handler aborts a response in net/http
	}
	if pause(r, f.Transfer.Duration) {
		_, _ = w.Write(body[half:])
	}
}

// pause waits for the delay, and reports whether the client is still connected.
func pause(r *http.Request, delay time.Duration) bool {
	select {
	case <-r.Context().Done():
		return false
	case <-time.After(delay):
		return true
	}
}
