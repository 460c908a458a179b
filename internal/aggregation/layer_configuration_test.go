// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// trustData returns what kube-apiserver publishes if all its flags are set.
func trustData(t *testing.T) map[string]string {
	t.Helper()
	authority, err := pki.NewSigner("front-proxy", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"client-ca-file":                     string(authority.Certificate),
		"requestheader-client-ca-file":       string(authority.Certificate),
		"requestheader-allowed-names":        `["front-proxy"]`,
		"requestheader-username-headers":     `["X-Remote-User"]`,
		"requestheader-group-headers":        `["X-Remote-Group"]`,
		"requestheader-extra-headers-prefix": `["X-Remote-Extra-"]`,
	}
}

// with changes one value; an empty one removes the key.
func with(data map[string]string, key, value string) map[string]string {
	data[key] = value
	if value == "" {
		delete(data, key)
	}
	return data
}

func TestMissingTrustIsFoundInTheConfigMap(t *testing.T) {
	const user, group = "requestheader-username-headers", "requestheader-group-headers"
	tests := map[string]struct {
		data map[string]string
		want []string
	}{
		"all there":             {trustData(t), nil},
		"names in other case":   {with(trustData(t), user, `["x-other","x-remote-user"]`), nil},
		"any name is allowed":   {with(trustData(t), "requestheader-allowed-names", `[]`), nil},
		"no ConfigMap":          {nil, []string{"--requestheader-client-ca-file"}},
		"only the clients' CA":  {with(trustData(t), trustKey, ""), []string{"no certificate in " + trustKey}},
		"a CA that is no PEM":   {with(trustData(t), trustKey, "MIIB"), []string{"--requestheader-client-ca-file"}},
		"no header of users":    {with(trustData(t), user, ""), []string{"header X-Remote-User in " + user}},
		"other header of users": {with(trustData(t), user, `["X-User"]`), []string{"(--" + user + ")"}},
		"no list of headers":    {with(trustData(t), group, "X-Remote-Group"), []string{"header X-Remote-Group in " + group}},
		"no headers at all":     {with(with(trustData(t), user, ""), group, ""), []string{"--" + user, "--" + group}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := missingTrust(test.data); !slices.EqualFunc(got, test.want, strings.Contains) {
				t.Errorf("missing are %q, want %q", got, test.want)
			}
		})
	}
}

const (
	aggregatorChecks       = "[+]ping ok\n[+]poststarthook/apiservice-registration-controller ok\n"
	proxyCertificateStatus = "[+]poststarthook/aggregator-reload-proxy-client-cert "
)

func TestProxyCertificateIsDetectedByTheAggregatorsChecks(t *testing.T) {
	tests := map[string]struct {
		body    string
		found   bool
		unknown bool
	}{
		"there":                {aggregatorChecks + proxyCertificateStatus + "ok\n", true, false},
		"there, but not ready": {aggregatorChecks + proxyCertificateStatus + "failed: reason withheld\n", true, false},
		"not there":            {aggregatorChecks, false, false},
		"no list":              {"ok", false, true},
		"other names":          {"[+]ping ok\n[+]aggregator ok\nreadyz check passed\n", false, true},
		"cut short":            {aggregatorChecks[:len(aggregatorChecks)/2], false, true},
		"refused":              {`{"kind":"Status","code":403}`, false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			found, err := readProxyCertificate(&http.Response{
				Status: "200 OK", Body: io.NopCloser(strings.NewReader(test.body)),
			})
			if found != test.found || (err != nil) != test.unknown {
				t.Errorf("found: %v, error: %v", found, err)
			}
		})
	}
}

func TestMissingCertificatesNameTheKubeAPIServer(t *testing.T) {
	hasCertificate := map[string]bool{"b:6443": false, "a:6443": true, "c:6443": false}
	got := configurationOf(hasCertificate, map[string]string{"d:6443": "EOF"})
	if !slices.EqualFunc(got.Missing, []string{"kube-apiserver b:6443", "kube-apiserver c:6443"}, strings.Contains) {
		t.Errorf("missing are %q", got.Missing)
	}
	if !slices.Equal(got.Unknown, []string{"kube-apiserver d:6443: EOF"}) {
		t.Errorf("unknown are %q", got.Unknown)
	}
}
