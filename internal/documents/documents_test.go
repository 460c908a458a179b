// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

func TestResourceList(t *testing.T) {
	none := ResourceList{GroupVersion: "a/v1"}
	for name, test := range map[string]struct {
		document string
		want     ResourceList
		err      string
	}{
		"as Kubernetes writes it": {
			`{"kind":"APIResourceList","groupVersion":"a/v1","resources":[{"name":"b","verbs":["list"]},{"name":"b/c"}]}`,
			ResourceList{GroupVersion: "a/v1", Resources: 2, MoreThanGet: 1},
			"",
		},
		"objects that can be deleted": {
			`{"resources":[{"name":"b","verbs":["get","delete"]},{"verbs":["delete"],"name":"b/c"}]}`,
			ResourceList{Resources: 2, Deletable: 1, MoreThanGet: 1},
			"",
		},
		"only get": {
			`{"resources":[{"name":"b","verbs":["get"]},{"name":"c","verbs":null}]}`, ResourceList{Resources: 2}, "",
		},
		"in reverse order": {
			`{"resources":[{}],"groupVersion":"a/v1"}`, ResourceList{GroupVersion: "a/v1", Resources: 1}, "",
		},
		"empty":                    {`{"groupVersion":"a/v1","resources":[]}`, none, ""},
		"null":                     {`{"groupVersion":null,"resources":null}`, ResourceList{}, ""},
		"other fields":             {`{"x":{"resources":[1]},"groupVersion":"a/v1","y":[[{}]]}`, none, ""},
		"names in another case":    {`{"GroupVersion":"a/v1"}`, ResourceList{}, ""},
		"a field twice":            {`{"groupVersion":"a/v1","groupVersion":"b/v1"}`, ResourceList{GroupVersion: "b/v1"}, ""},
		"escaped":                  {`{"group\u0056ersion":"a\/v1"}`, none, ""},
		"followed by a line break": {"{\"groupVersion\":\"a/v1\"}\r\n", none, ""},

		"nothing":         {"", ResourceList{}, "answered with no valid APIResourceList: it ends too early"},
		"cut off":         {`{"resources":[{}`, ResourceList{Resources: 1}, "it ends too early"},
		"a page":          {"<html>", ResourceList{}, "invalid character '<'"},
		"only null":       {"null", ResourceList{}, "null"},
		"a list":          {"[]", ResourceList{}, "[ instead of {"},
		"wrong type":      {`{"groupVersion":1}`, ResourceList{}, "number instead of string"},
		"wrong resources": {`{"resources":["a"]}`, ResourceList{}, "string instead of {"},
		"more after it":   {`{"groupVersion":"a/v1"}{}`, none, "more after its end"},
		"control characters": {
			"{\"groupVersion\":\"\x1b\"}", ResourceList{}, `invalid character '\x1b'`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadResourceList(strings.NewReader(test.document))
			checkError(t, err, test.err)
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
	if err == nil {
		return
	}
	if _, malformed := errors.AsType[*MalformedError](err); !malformed {
		t.Errorf("%v is not about the document", err)
	}
}

func TestExcessiveDocumentsAreRejected(t *testing.T) {
	filled := func(beginning, repeated, end string, size int64) string {
		return beginning + strings.Repeat(repeated, int(size)/len(repeated)) + end
	}
	for name, test := range map[string]struct{ document, err string }{
		"many resources": {
			filled(`{"resources":[{}`, ",{}", "]}", limits.Discovery.Bytes), "answered more than 4 MiB",
		},
		"a long text": {
			filled(`{"groupVersion":"`, "v", `"}`, limits.Discovery.Token+1),
			"answered a single piece of JSON longer than 64 KiB",
		},
		"a long number": {
			filled(`{"x":1`, "0", `}`, limits.Discovery.Token+1), "answered a single piece of JSON longer than 64 KiB",
		},
		"a long name": {
			filled(`{"`, "x", `":1}`, limits.Discovery.Token+1), "answered a single piece of JSON longer than 64 KiB",
		},
		"white space": {
			filled(`{`, " ", `}`, limits.Discovery.Token+1), "answered a single piece of JSON longer than 64 KiB",
		},
		"deep nesting": {
			filled(`{"x":`, "[", "", 10_000), "answered JSON that is nested more than 64 deep",
		},
		"deep nesting of objects": {
			filled(`{"x":`, `{"x":`, "", 10_000), "answered JSON that is nested more than 64 deep",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadResourceList(strings.NewReader(test.document))
			if _, tooMuch := errors.AsType[*TooLargeError](err); !tooMuch || err.Error() != test.err {
				t.Errorf("got %v, want %s", err, test.err)
			}
		})
	}
}

func TestDocumentsWithinTheLimitsAreRead(t *testing.T) {
	padded := func(size int64) string {
		const document = `{"groupVersion":"a/v1","resources":[{}`
		return document + strings.Repeat(",{}", (int(size)-len(document)-2)/3) + "]}"
	}
	text, depth := strings.Repeat("v", int(limits.Discovery.Token)-len(`:""`)), limits.Discovery.Depth
	for name, document := range map[string]string{
		"a large document": padded(limits.Discovery.Bytes),
		"a long text":      `{"groupVersion":"` + text + `"}`,
		"nested":           `{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + "}",
	} {
		if _, err := ReadResourceList(strings.NewReader(document)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An interrupted response must not be reported as a malformed document.
func TestReadErrorsAreReturnedUnchanged(t *testing.T) {
	broken := errors.New("connection reset")
	for _, document := range []string{"", "{", `{"resources":[`, `{"resources":[]}`} {
		reader := io.MultiReader(strings.NewReader(document), iotest.ErrReader(broken))
		if _, err := ReadResourceList(reader); !errors.Is(err, broken) {
			t.Errorf("after %q: %v", document, err)
		}
	}
}

func TestEachResource(t *testing.T) {
	const document = `{"resources":[{"name":"a","verbs":["get","list"]},{"verbs":["list"],"name":"b"},
		{"name":"c","namespaced":false},null,{"namespaced":true,"name":"d","verbs":["watch","delete"]}]}`
	var got []Resource
	err := EachResource(strings.NewReader(document), func(resource Resource) error {
		got = append(got, resource)
		return nil
	})
	want := []Resource{
		{Name: "a", Listable: true, MoreThanGet: true},
		{Name: "b", Listable: true, MoreThanGet: true},
		{Name: "c"},
		{},
		{Name: "d", Deletable: true, Watchable: true, MoreThanGet: true, Namespaced: true},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	enough := errors.New("enough")
	if err := EachResource(strings.NewReader(document), func(Resource) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v instead of the caller's error", err)
	}
}

func TestEachVersion(t *testing.T) {
	const document = `{"items":[
		{"metadata":{"name":"a"},"versions":[{"version":"v1","resources":[{},{}]},{"freshness":"Stale","version":"v2"}]},
		{"versions":[{"version":"v1","freshness":"Current"}],"metadata":{"labels":{"name":"x"},"name":"b"}},
		{"metadata":null}],"kind":"APIGroupDiscoveryList"}`
	var got []Version
	kind, err := EachVersion(strings.NewReader(document), limits.Discovery, func(version Version) error {
		got = append(got, version)
		return nil
	})
	want := []Version{
		{schema.GroupVersion{Group: "a", Version: "v1"}, 2, false},
		{schema.GroupVersion{Group: "a", Version: "v2"}, 0, true},
		{schema.GroupVersion{Group: "b", Version: "v1"}, 0, false},
	}
	if err != nil || kind != "APIGroupDiscoveryList" || !slices.Equal(got, want) {
		t.Errorf("got %+v of a %q, %v", got, kind, err)
	}
}

func TestGroupsWithTooManyVersionsAreRejected(t *testing.T) {
	document := `{"items":[{"versions":[` + strings.Repeat("{},", limits.VersionsOfGroup) + `{}]}]}`
	_, err := EachVersion(strings.NewReader(document), limits.Discovery, func(Version) error { return nil })
	if _, tooMuch := errors.AsType[*TooLargeError](err); !tooMuch {
		t.Errorf("got %v", err)
	}
}

func TestCountObjects(t *testing.T) {
	for name, test := range map[string]struct {
		document string
		want     int64
		err      string
	}{
		"none":           {`{"items":[]}`, 0, ""},
		"all":            {`{"items":[{"metadata":{"name":"a"}},{}]}`, 2, ""},
		"one of many":    {`{"metadata":{"remainingItemCount":41,"continue":"x"},"items":[{}]}`, 42, ""},
		"null":           {`{"metadata":{"remainingItemCount":null},"items":null}`, 0, ""},
		"fewer than 0":   {`{"metadata":{"remainingItemCount":-5},"items":[{}]}`, 1, ""},
		"more than any":  {`{"items":[{}],"metadata":{"remainingItemCount":9223372036854775807}}`, math.MaxInt64, ""},
		"a fraction":     {`{"items":[{}],"metadata":{"remainingItemCount":1.5}}`, 1, "not an integer"},
		"a page":         {`<html>`, 0, "no valid list of objects"},
		"one cut off":    {`{"items":[{},{},{"x":`, 2, "too early"},
		"something else": {`{"items":{}}`, 0, "{ instead of ["},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := CountObjects(strings.NewReader(test.document))
			checkError(t, err, test.err)
			if got != test.want {
				t.Errorf("counted %d, want %d", got, test.want)
			}
		})
	}
}

func answer(contentType, encoding, body string) http.Response {
	header := http.Header{"Content-Type": {contentType}}
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
	}
	return http.Response{Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func TestWordsReturnsTheErrorMessage(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.Response
		want   string
	}{
		"text":          {answer("text/plain; charset=utf-8", "", " wait\nfor it\n"), "wait"},
		"a Status":      {answer("application/json", "", `{"message":"no\u001b[2J","code":403}`), `no\x1b[2J`},
		"cut off later": {answer("application/json", "", `{"message":"no","det`), "no"},
		"too long": {
			answer("text/plain", "", strings.Repeat("x", 1<<20)), strings.Repeat("x", maxMessage-len("…")) + "…",
		},
		"a long Status": {answer("application/json", "", `{"message":"`+strings.Repeat("x", 1<<20)+`"}`), ""},
		"a page":        {answer("text/html", "", "<html>"), ""},
		"compressed":    {answer("text/plain", "gzip", "\x1f\x8b"), ""},
		"no JSON":       {answer("application/json", "", "<html>"), ""},
	} {
		if got := ErrorMessage(&test.answer); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestEncodedBodiesAreRejected(t *testing.T) {
	for encoding, want := range map[string]string{
		"": "", "identity": "", "Identity": "",
		"gzip":   `answered with Content-Encoding "gzip", which was not requested`,
		"gzip\r": `answered with Content-Encoding "gzip\r", which was not requested`,
		"br,br":  `answered with Content-Encoding "br,br", which was not requested`,
	} {
		encoded := answer("application/json", encoding, "{}")
		if _, err := Body(&encoded); (err == nil) != (want == "") ||
			err != nil && err.Error() != want {
			t.Errorf("%q: %v", encoding, err)
		}
	}
}

func TestPass(t *testing.T) {
	if err := Pass(strings.NewReader(strings.Repeat("x", int(limits.Discovery.Bytes)))); err != nil {
		t.Error(err)
	}
	err := Pass(strings.NewReader(strings.Repeat("x", int(limits.Discovery.Bytes)+1)))
	if _, tooMuch := errors.AsType[*TooLargeError](err); !tooMuch {
		t.Errorf("got %v", err)
	}
}
