// SPDX-License-Identifier: Apache-2.0

package extensionserver

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const host = "server.example.svc"

const discoveryOfV1 = "/apis/example.com/v1"

var (
	v1        = schema.GroupVersion{Group: "example.com", Version: "v1"}
	v2        = schema.GroupVersion{Group: "example.com", Version: "v2"}
	byProxy   = http.Header{"X-Remote-User": {"system:kube-aggregator"}}
	byToken   = http.Header{"Authorization": {"Bearer token"}}
	anonymous = http.Header{}
)

// start returns a server and a client that trusts it and speaks HTTP/2, as kube-apiserver does.
func start(t *testing.T) (*Local, *http.Client) {
	t.Helper()
	ca, err := pki.NewSigner("test", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.IssueServing([]string{host}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := Start(certificate, v1, v2)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca.Certificate)
	return server, &http.Client{
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: host},
			ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send returns a response whose body may still be in transfer.
func send(t *testing.T, server *Local, client *http.Client, path string, header http.Header) (*http.Response, error) {
	t.Helper()
	url := "https://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(int(server.Port()))) + path
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	return client.Do(request)
}

// get returns the status and the body of a response.
func get(t *testing.T, server *Local, client *http.Client, path string, header http.Header) (int, string, error) {
	t.Helper()
	response, err := send(t, server, client, path, header)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

func TestServerBehavesAsConfigured(t *testing.T) {
	const apis, openAPI = "/apis", "/openapi/v3"
	aggregated := http.Header{"Accept": {discovery.AcceptV2}}
	tests := map[string]struct {
		behaviour Behaviour
		path      string
		header    http.Header
		status    int
		words     string
	}{
		"a group-version": {
			Behaviour{}, discoveryOfV1, nil, 200, `"groupVersion":"example.com/v1","resources":[{"name":"widgets"`,
		},
		"an unknown group-version": {Behaviour{}, "/apis/example.com/v3", nil, 404, ""},
		"all groups, unaggregated": {
			Behaviour{}, apis, nil, 200, `"versions":[{"groupVersion":"example.com/v1","version":"v1"},{`,
		},
		"all groups, aggregated": {
			Behaviour{}, apis, aggregated, 200, `"version":"v1","resources":[{"resource":"widgets"`,
		},
		"the index of OpenAPI":        {Behaviour{}, openAPI, nil, 200, `"/openapi/v3/apis/example.com/v1?hash=`},
		"the OpenAPI of one version":  {Behaviour{}, openAPI + discoveryOfV1, nil, 200, `"openapi":"3.0.0"`},
		"no objects":                  {Behaviour{}, discoveryOfV1 + "/namespaces/default/widgets", nil, 200, `"items":[]`},
		"an error":                    {Behaviour{Discovery: Fault{Status: 500}}, discoveryOfV1, nil, 500, ""},
		"an error, but not for /apis": {Behaviour{Discovery: Fault{Status: 500}}, apis, nil, 200, ""},
		"an error for /apis":          {Behaviour{APIs: Fault{Status: 503}}, apis, nil, 503, ""},
		"an error for OpenAPI":        {Behaviour{OpenAPI: Fault{Status: 503}}, openAPI, nil, 503, ""},
		"a redirect":                  {Behaviour{Discovery: Fault{Status: 302}}, discoveryOfV1, nil, 302, ""},
		"a malformed body":            {Behaviour{Discovery: Fault{Body: Malformed}}, discoveryOfV1, nil, 200, "<html>"},
		"another group-version": {
			Behaviour{AnswerFor: "other/v1"}, discoveryOfV1, nil, 200, `"groupVersion":"other/v1"`,
		},
		"a version that is not served": {
			Behaviour{NotServed: []string{"example.com/v1"}}, discoveryOfV1, nil, 404, "",
		},
		"the version that is served": {
			Behaviour{NotServed: []string{"example.com/v1"}}, "/apis/example.com/v2", nil, 200, "widgets",
		},
		"chosen resources": {
			Behaviour{Resources: []Resource{DeletableResource}},
			discoveryOfV1, nil, 200,
			`"name":"gadgets","singularName":"gadget","namespaced":true,"kind":"Gadget","verbs":["create","delete",`,
		},
		"chosen resources, not limited by who gets faults": {
			Behaviour{Resources: []Resource{DeletableResource}, For: Direct}, discoveryOfV1, byProxy, 200, "gadgets",
		},
		"a resource that only the group-version has": {
			Behaviour{LeftOutResources: []string{"widgets"}}, apis, aggregated, 200, `{"version":"v1","freshness":"Current"}`,
		},
		"OpenAPI v2":    {Behaviour{}, "/openapi/v2", nil, 200, `"/apis/example.com/v1/":{"get"`},
		"no OpenAPI v2": {Behaviour{OpenAPIV2: Fault{Status: 404}}, "/openapi/v2", nil, 404, ""},
		"a version that is left out": {
			Behaviour{LeftOut: []string{"example.com/v1"}}, apis, aggregated, 200, `"versions":[{"version":"v2"`,
		},
		"a version without resources": {
			Behaviour{Empty: []string{"example.com/v1"}}, discoveryOfV1, nil, 200, `"resources":[]`,
		},
		"readiness, which is unaffected": {Behaviour{Discovery: Fault{Status: 500}}, "/readyz", nil, 200, "ok"},
		"kube-apiserver, with a fault for it": {
			Behaviour{Discovery: Fault{Status: 401}, For: KubeAPIServer}, discoveryOfV1, byProxy, 401, "",
		},
		"kube-apiserver, with a fault for other senders": {
			Behaviour{Discovery: Fault{Status: 403}, For: Direct}, discoveryOfV1, byProxy, 200, "",
		},
		"a client with a token, with a fault for it": {
			Behaviour{Discovery: Fault{Status: 403}, For: Direct}, discoveryOfV1, byToken, 403, "",
		},
		"an anonymous client, with a fault for other senders": {
			Behaviour{Discovery: Fault{Status: 403}, For: Direct}, discoveryOfV1, anonymous, 200, "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			server.Behave(test.behaviour)
			status, body, err := get(t, server, client, test.path, test.header)
			if err != nil || status != test.status || !strings.Contains(body, test.words) {
				t.Errorf("GET %s gives %d, %v and %.300q, want %d and %q",
					test.path, status, err, body, test.status, test.words)
			}
		})
	}
}

func TestOversizedBodyExceeds16MiB(t *testing.T) {
	server, client := start(t)
	server.Behave(Behaviour{Discovery: Fault{Body: Oversized}})
	if _, body, err := get(t, server, client, discoveryOfV1, nil); err != nil || len(body) <= 16<<20 {
		t.Errorf("the response has %d bytes, and error %v", len(body), err)
	}
}

func TestBrokenBodyIsCutOff(t *testing.T) {
	server, client := start(t)
	server.Behave(Behaviour{Discovery: Fault{Body: Broken}})
	status, body, err := get(t, server, client, discoveryOfV1, nil)
	if status != http.StatusOK || body == "" || err == nil {
		t.Errorf("the response is %d, %q and error %v", status, body, err)
	}
}

func TestSlowTransferSendsTheFirstHalfImmediately(t *testing.T) {
	server, client := start(t)
	server.Behave(Behaviour{Discovery: Fault{Transfer: metav1.Duration{Duration: time.Hour}}})
	response, err := send(t, server, client, discoveryOfV1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	first := make([]byte, len(`{"kind"`))
	if _, err := io.ReadFull(response.Body, first); err != nil || string(first) != `{"kind"` {
		t.Errorf("the response begins with %q, and error %v", first, err)
	}
}

func TestEveryOtherRequestOfAUserFailsOnAConnection(t *testing.T) {
	server, client := start(t)
	server.Behave(Behaviour{Discovery: Fault{Status: 500}, EveryOther: true})
	byUser := http.Header{"X-Remote-User": {"user"}}
	var statuses []int
	for range 4 {
		if _, _, err := get(t, server, client, discoveryOfV1, byProxy); err != nil {
			t.Fatal(err)
		}
		status, _, err := get(t, server, client, discoveryOfV1, byUser)
		if err != nil {
			t.Fatal(err)
		}
		statuses = append(statuses, status)
	}
	if want := []int{500, 200, 500, 200}; !slices.Equal(statuses, want) {
		t.Errorf("the statuses are %v, want %v", statuses, want)
	}
	if count := server.Requests()[KubeAPIServer][discoveryOfV1]; count != 8 {
		t.Errorf("%d requests were counted, want 8", count)
	}
}

// A client that is already connected sees the certificate after its next request.
func TestCertificateHasTheConfiguredFault(t *testing.T) {
	for certificate, isExpected := range map[Certificate]func(error) bool{
		Untrusted: func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok },
		OtherName: func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok },
		Expired: func(err error) bool {
			invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
			return ok && invalid.Reason == x509.Expired
		},
	} {
		t.Run(string(certificate), func(t *testing.T) {
			server, client := start(t)
			if _, _, err := get(t, server, client, "/apis", nil); err != nil {
				t.Fatal(err)
			}
			server.Behave(Behaviour{Certificate: certificate})
			if _, _, err := get(t, server, client, "/apis", nil); err != nil {
				t.Errorf("the existing connection fails: %v", err)
			}
			if _, _, err := get(t, server, client, "/apis", nil); !isExpected(err) {
				t.Errorf("the client returns the error: %v", err)
			}
			server.Behave(Behaviour{})
			if _, _, err := get(t, server, client, "/apis", nil); err != nil {
				t.Errorf("after the fault the client still returns the error: %v", err)
			}
		})
	}
}
