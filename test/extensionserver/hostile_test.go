// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestGzipBombIsSmallAndContainsMillionsOfElements(t *testing.T) {
	server, client := start(t)
	server.Behave(Behaviour{Discovery: Fault{Body: GzipBomb}})
	response, err := send(t, server, client, discoveryOfV1, http.Header{"Accept-Encoding": {"identity"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	compressed, err := io.ReadAll(response.Body)
	if err != nil || len(compressed) > 20<<10 || response.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%d bytes, Content-Encoding %q, error %v",
			len(compressed), response.Header.Get("Content-Encoding"), err)
	}
	unzipper, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	document, err := io.ReadAll(unzipper)
	if count := bytes.Count(document, []byte("{}")); err != nil || count < elements || !json.Valid(document) {
		t.Errorf("%d elements in %.100q, error %v", count, document, err)
	}
}

func TestHostileBodiesHaveTheDocumentedContent(t *testing.T) {
	tests := map[Body]struct {
		minimum int
		holds   string
	}{
		TinyElements:      {3 * elements, "{},{},{}"},
		Flood:             {floodBytes, `"groupVersion":"example.com/v1"`},
		Nesting:           {2 * nestingDepth, "[[[[]]]]"},
		ControlCharacters: {1, `\u001b[2J`},
		LongString:        {longString, "vvvv"},
	}
	for trick, want := range tests {
		t.Run(string(trick), func(t *testing.T) {
			server, client := start(t)
			server.Behave(Behaviour{Discovery: Fault{Body: trick}})
			_, body, err := get(t, server, client, discoveryOfV1, nil)
			if err != nil || len(body) < want.minimum || !strings.Contains(body, want.holds) {
				t.Errorf("%d bytes, error %v: %.100q", len(body), err, body)
			}
			if !json.Valid([]byte(body)) && trick != Nesting { // encoding/json gives up on the depth
				t.Error("the response is not JSON")
			}
		})
	}
}

func TestDripNeverEnds(t *testing.T) {
	server, client := start(t)
	server.Behave(Behaviour{Discovery: Fault{Body: Drip}})
	response, err := send(t, server, client, discoveryOfV1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	first := make([]byte, len(opening(map[string]any{})))
	if _, err := io.ReadFull(response.Body, first); err != nil || first[0] != '{' {
		t.Errorf("the response begins with %q, and error %v", first, err)
	}
}

func TestRedirectLoopRedirectsToItself(t *testing.T) {
	server, client := start(t)
	server.Behave(Behaviour{Discovery: Fault{Body: RedirectLoop}})
	response, err := send(t, server, client, discoveryOfV1, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	location := response.Header.Get("Location")
	if response.StatusCode != http.StatusTemporaryRedirect || location != discoveryOfV1 {
		t.Errorf("the response is %s with Location %q", response.Status, location)
	}
}

func TestHeadersExceedTheLimitOfClients(t *testing.T) {
	server, client := start(t)
	server.Behave(Behaviour{Discovery: Fault{Body: Headers}})
	if _, _, err := get(t, server, client, discoveryOfV1, nil); err == nil {
		t.Error("net/http accepts 20 MiB of headers")
	}
}
