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

// Configuration is what is known of the aggregation layer's configuration. It is good when both lists are empty, bad
// when something is missing, and not known otherwise.
type Configuration struct {
	// Missing says what is missing, where, and, in parentheses, which flags of kube-apiserver set it.
	Missing []string
	// Unknown says what could not be found out, and why.
	Unknown []string
}

func (c Configuration) and(other Configuration) Configuration {
	return Configuration{slices.Concat(c.Missing, other.Missing), slices.Concat(c.Unknown, other.Unknown)}
}

func (c Configuration) rememberedFor() time.Duration {
	if len(c.Missing) > 0 || len(c.Unknown) > 0 {
		return AskedAgainAfter
	}
	return goodFor
}

// configurationOf puts together which kube-apiservers have a certificate to show, and which could not be asked.
func configurationOf(identified map[string]bool, failures map[string]string) Configuration {
	var c Configuration
	for _, address := range slices.Sorted(maps.Keys(identified)) {
		if !identified[address] {
			c.Missing = append(c.Missing, fmt.Sprintf("kube-apiserver %s has no certificate by which extension API servers "+
				"would know it (--proxy-client-cert-file, --proxy-client-key-file)", address))
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
	checkOfAggregator = "poststarthook/apiservice-registration-controller "
	checkOfIdentity   = "poststarthook/aggregator-reload-proxy-client-cert "
)

// readIdentity looks for the certificate in the checks that a kube-apiserver lists. A list without those of its
// aggregator says nothing of it: it may be cut short, or have other names.
func readIdentity(response *http.Response) (found bool, err error) {
	content, err := io.ReadAll(io.LimitReader(response.Body, limits.Checks))
	if err != nil {
		return false, err
	}
	checks := string(content)
	if !strings.Contains(checks, checkOfAggregator) {
		return false, fmt.Errorf("it answers %s to GET /readyz?verbose, without the checks of its aggregator",
			response.Status)
	}
	return strings.Contains(checks, checkOfIdentity), nil
}

const trustKey = "requestheader-client-ca-file"

// requestHeaders are those in which kube-apiserver names a user and its groups (client-go transport/round_trippers.go),
// by the key under which servers are told of them. It warns itself that API aggregation will not work without them
// (apiserver pkg/server/options/authentication.go). The keys are the names of the flags.
var requestHeaders = []struct{ key, header string }{
	{"requestheader-username-headers", "X-Remote-User"},
	{"requestheader-group-headers", "X-Remote-Group"},
}

// missingTrust says what servers built on k8s.io/apiserver look for in the ConfigMap's data and do not find (apiserver
// pkg/server/options/authentication_dynamic_request_header.go). An authority that has expired is not in it.
func missingTrust(data map[string]string) []string {
	if _, err := cert.ParseCertsPEM([]byte(data[trustKey])); err != nil {
		return []string{fmt.Sprintf("no kube-apiserver tells extension API servers by which authority they know it, or its "+
			"certificate has expired: ConfigMap %s has no certificate in %s (--%s, --requestheader-allowed-names, "+
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

// lists tells whether a JSON list has the name of a header, in upper or lower case.
func lists(list, header string) bool {
	var headers []string
	if err := json.Unmarshal([]byte(list), &headers); err != nil {
		return false
	}
	return slices.ContainsFunc(headers, func(listed string) bool { return strings.EqualFold(listed, header) })
}
