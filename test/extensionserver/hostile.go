// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Bodies of a hostile server, which attack the client that reads them.
const (
	// GzipBomb is compressed although that was not requested: 16 KB that decompress to millions of resources.
	GzipBomb Body = "GzipBomb"
	// TinyElements is a document with millions of empty resources.
	TinyElements Body = "TinyElements"
	// Flood is a document of 100 MiB.
	Flood Body = "Flood"
	// Drip begins a document and sends it byte by byte, without end.
	Drip Body = "Drip"
	// Headers sends 20 MiB of headers before the document.
	Headers Body = "Headers"
	// Nesting is a document with a value that is nested a million levels deep.
	Nesting Body = "Nesting"
	// ControlCharacters is a document for a group-version with terminal escape sequences.
	ControlCharacters Body = "ControlCharacters"
	// LongString is a document for a group-version with a name of 1 MiB.
	LongString Body = "LongString"
	// RedirectLoop is a redirect to itself.
	RedirectLoop Body = "RedirectLoop"
	// EveryTrick is a random one of these for each request.
	EveryTrick Body = "EveryTrick"
)

// Sizes of the hostile responses.
const (
	elements       = 5_600_000
	floodBytes     = 100 << 20
	headerCount    = 20
	headerBytes    = 1 << 20
	nestingDepth   = 1_000_000
	longString     = 1 << 20
	dripInterval   = 100 * time.Millisecond
	terminalBreaks = "\x1b[2J\x1b]0;pwned\x07\r\x00\u202e\u2066evil.example.com/v1\n"
)

// trick sends a hostile response to a request for a document.
type trick func(w http.ResponseWriter, r *http.Request, document any)

var tricks = map[Body]trick{
	GzipBomb:          sendBomb,
	TinyElements:      func(w http.ResponseWriter, _ *http.Request, d any) { writeElements(w, d) },
	Flood:             func(w http.ResponseWriter, _ *http.Request, d any) { writePadded(w, d, floodBytes) },
	Drip:              drip,
	Headers:           sendHeaders,
	Nesting:           func(w http.ResponseWriter, _ *http.Request, d any) { writeNested(w, d) },
	ControlCharacters: func(w http.ResponseWriter, _ *http.Request, d any) { encode(w, renamed(d, terminalBreaks)) },
	LongString: func(w http.ResponseWriter, _ *http.Request, d any) {
		encode(w, renamed(d, strings.Repeat("v", longString)))
	},
	RedirectLoop: func(w http.ResponseWriter, r *http.Request, _ any) {
		http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
	},
}

// trickOf returns the trick of a body, and nil if it is not hostile.
func trickOf(body Body) trick {
	if body == EveryTrick {
		all := slices.Sorted(maps.Keys(tricks))
		body = all[rand.N(len(all))] //nolint:gosec // any order does
	}
	return tricks[body]
}

// sendBomb omits the Content-Length, which would be that of the compressed bytes.
func sendBomb(w http.ResponseWriter, _ *http.Request, document any) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(bombFor(document))
}

// bombs caches one bomb for each kind of document.
var bombs sync.Map

func bombFor(document any) []byte {
	prefix, _, _ := strings.Cut(opening(document), "[")
	made, found := bombs.Load(prefix)
	if !found {
		var compressed bytes.Buffer
		zipper := gzip.NewWriter(&compressed)
		writeElements(zipper, document)
		_ = zipper.Close()
		made, _ = bombs.LoadOrStore(prefix, compressed.Bytes())
	}
	bomb, _ := made.([]byte)
	return bomb
}

// opening returns a document up to the first element of its list.
func opening(document any) string {
	content, _ := json.Marshal(document) // all documents can be marshalled
	list := "items"
	if _, isResources := document.(metav1.APIResourceList); isResources {
		list = "resources"
	}
	fields := map[string]json.RawMessage{}
	_ = json.Unmarshal(content, &fields)
	delete(fields, list)
	rest, _ := json.Marshal(fields)
	return strings.TrimSuffix(string(rest), "}") + `,"` + list + `":[`
}

// writeElements writes a document with millions of empty elements.
func writeElements(w io.Writer, document any) {
	const atOnce = 10_000
	_, _ = io.WriteString(w, opening(document)+"{}")
	many := strings.Repeat(",{}", atOnce)
	for range elements / atOnce {
		if _, err := io.WriteString(w, many); err != nil {
			return
		}
	}
	_, _ = io.WriteString(w, "]}")
}

// writePadded writes a document with size bytes of white space before it.
func writePadded(w io.Writer, document any, size int) {
	const atOnce = 1 << 20
	padding := bytes.Repeat([]byte(" "), atOnce)
	for range size / atOnce {
		if _, err := w.Write(padding); err != nil {
			return
		}
	}
	encode(w, document)
}

func writeNested(w io.Writer, document any) {
	_, _ = io.WriteString(w, opening(document)+strings.Repeat("[", nestingDepth)+strings.Repeat("]", nestingDepth)+"]}")
}

func drip(w http.ResponseWriter, r *http.Request, document any) {
	_, _ = io.WriteString(w, opening(document))
	for pause(r, dripInterval) {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
	}
}

func sendHeaders(w http.ResponseWriter, _ *http.Request, document any) {
	for i := range headerCount {
		w.Header().Set("X-Padding-"+strconv.Itoa(i), strings.Repeat("x", headerBytes))
	}
	encode(w, document)
}

func encode(w io.Writer, document any) { _ = json.NewEncoder(w).Encode(document) }

// renamed returns the document with its group-version, or its group names, replaced by text.
func renamed(document any, text string) any {
	switch d := document.(type) {
	case metav1.APIResourceList:
		d.GroupVersion = text
		return d
	case apidiscoveryv2.APIGroupDiscoveryList:
		d.Items = slices.Clone(d.Items)
		for i := range d.Items {
			d.Items[i].Name = text
		}
		return d
	default:
		return map[string]string{"kind": text}
	}
}
