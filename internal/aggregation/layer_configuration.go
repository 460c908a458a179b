// SPDX-License-Identifier: Apache-2.0

package aggregation

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Configuration is the result of checking the aggregation layer's configuration. It is good if both lists are empty,
// bad if something is missing, and unknown otherwise.
type Configuration struct {
	// Missing lists what is missing, where, and, in parentheses, which flags of kube-apiserver set it.
	Missing []string
	// Unknown lists what could not be determined, and why.
	Unknown []string
	// TrustChanged is when the ConfigMap with the front-proxy CA last changed, zero if that is not known.
	TrustChanged time.Time
}

func (c Configuration) and(other Configuration) Configuration {
	c.Missing, c.Unknown = slices.Concat(c.Missing, other.Missing), slices.Concat(c.Unknown, other.Unknown)
	return c
}

func (c Configuration) rememberedFor() time.Duration {
	if len(c.Missing) > 0 || len(c.Unknown) > 0 {
		return RetryAfter
	}
	return goodFor
}

// configurationOf combines which kube-apiservers have a client certificate, and which could not be queried.
func configurationOf(hasCertificate map[string]bool, failures map[string]string) Configuration {
	var c Configuration
	for _, address := range slices.Sorted(maps.Keys(hasCertificate)) {
		if !hasCertificate[address] {
			c.Missing = append(c.Missing, fmt.Sprintf("kube-apiserver %s has no client certificate to authenticate to "+
				"extension API servers with (--proxy-client-cert-file, --proxy-client-key-file)", address))
		}
	}
	for _, address := range slices.Sorted(maps.Keys(failures)) {
		c.Unknown = append(c.Unknown, fmt.Sprintf("kube-apiserver %s: %s", address, failures[address]))
	}
	return c
}

// The checks of kube-aggregator pkg/apiserver/apiserver.go. It adds the second one only when it has a proxy client
// certificate, and the first one always.
const (
	aggregatorCheck       = "poststarthook/apiservice-registration-controller "
	proxyCertificateCheck = "poststarthook/aggregator-reload-proxy-client-cert "
)

// readProxyCertificate derives from the list of health checks whether a kube-apiserver has the certificate. A list
// without the checks of its aggregator is an error: it may be cut short, or the names may differ.
func readProxyCertificate(response *http.Response) (found bool, err error) {
	content, err := io.ReadAll(io.LimitReader(response.Body, limits.Checks))
	if err != nil {
		return false, err
	}
	checks := string(content)
	if !strings.Contains(checks, aggregatorCheck) {
		return false, fmt.Errorf("GET /readyz?verbose returned %s without the checks of its aggregator",
			response.Status)
	}
	return strings.Contains(checks, proxyCertificateCheck), nil
}

const trustKey = "requestheader-client-ca-file"

// requestHeaders are the headers in which kube-apiserver passes a user and its groups (client-go
// transport/round_trippers.go), and the keys under which it publishes their names. It warns itself that API aggregation
// will not work without them (apiserver pkg/server/options/authentication.go). The keys are the names of the flags.
var requestHeaders = []struct{ key, header string }{
	{"requestheader-username-headers", "X-Remote-User"},
	{"requestheader-group-headers", "X-Remote-Group"},
}

// missingTrust returns what servers built on k8s.io/apiserver read from the ConfigMap's data and do not find (apiserver
// pkg/server/options/authentication_dynamic_request_header.go). An expired CA is not in it.
func missingTrust(data map[string]string) []string {
	if _, err := cert.ParseCertsPEM([]byte(data[trustKey])); err != nil {
		return []string{fmt.Sprintf("no kube-apiserver publishes the CA of its client certificate for extension API "+
			"servers, or that CA has expired: ConfigMap %s has no certificate in %s (--%s, --requestheader-allowed-names, "+
			"--requestheader-username-headers, --requestheader-group-headers, --requestheader-extra-headers-prefix)",
			trustConfigMap, trustKey, trustKey)}
	}
	var missing []string
	for _, expected := range requestHeaders {
		if !lists(data[expected.key], expected.header) {
			missing = append(missing, fmt.Sprintf("ConfigMap %s does not have the header %s in %s (--%s)",
				trustConfigMap, expected.header, expected.key, expected.key))
		}
	}
	return missing
}

// lists reports whether a JSON list contains the name of a header, ignoring case.
func lists(list, header string) bool {
	var headers []string
	if err := json.Unmarshal([]byte(list), &headers); err != nil {
		return false
	}
	return slices.ContainsFunc(headers, func(listed string) bool { return strings.EqualFold(listed, header) })
}
