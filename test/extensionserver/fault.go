// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/client-go/discovery"
)

// oversized is more than anybody reads of an answer.
const oversized = 17 << 20

// answer answers a request with a document, unless something is wrong.
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

// spoil returns what is sent of a document.
func (f Fault) spoil(document any) []byte {
	body, _ := json.Marshal(document) // all documents can be marshalled
	switch f.Body {
	case Malformed:
		return []byte("<html><body>It works!</body></html>")
	case Oversized:
		return padded(body)
	default:
		return body
	}
}

// padded adds a list to an object, none of whose elements is too long for a reader that passes over them.
func padded(object []byte) []byte {
	element := `"` + strings.Repeat("x", 1<<10) + `",`
	list := `{"padding":[` + strings.Repeat(element, oversized/len(element)) + `""],`
	return append([]byte(list), object[1:]...)
}

// transfer sends one half of the body, and later the other.
func (f Fault) transfer(w http.ResponseWriter, r *http.Request, body []byte) {
	half := len(body) / 2
	_, _ = w.Write(body[:half])
	if f.Transfer.Duration > 0 || f.Body == Broken {
		_ = http.NewResponseController(w).Flush()
	}
	if f.Body == Broken {
		panic(http.ErrAbortHandler) //nolint:forbidigo // this is how net/http is asked to break an answer off
	}
	if pause(r, f.Transfer.Duration) {
		_, _ = w.Write(body[half:])
	}
}

// pause tells whether the client is still there after the delay.
func pause(r *http.Request, delay time.Duration) bool {
	select {
	case <-r.Context().Done():
		return false
	case <-time.After(delay):
		return true
	}
}
