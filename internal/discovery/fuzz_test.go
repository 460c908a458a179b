// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// FuzzErrorText feeds arbitrary responses of kube-apiserver, or of a server behind it, with any status.
func FuzzErrorText(f *testing.F) {
	f.Add(503, "text/plain", "error trying to reach service: tls: failed to verify certificate: x509: certificate is "+
		"valid for a.example.com, not b.example.com")
	f.Add(401, "application/json", `{"kind":"Status","message":"Unauthorized"}`)
	f.Add(403, "application/json", `{"message":"User \"system:anonymous\" cannot get path \"/apis\""}`)
	f.Add(200, "text/plain", "failing or missing response from https://10.0.0.1:8443/apis/example.com/v1: bad status "+
		"from https://10.0.0.1:8443/apis/example.com/v1: 401")
	f.Add(500, "text/plain", "\x1b]0;owned\x07\r\x00\u202e\xff"+strings.Repeat("x", 1000))
	f.Fuzz(func(t *testing.T, status int, contentType, text string) {
		answer := response(status, contentType, text)
		_, err := documentKey.read(&answer, nil)
		for _, cause := range []error{err, errors.New(text)} {
			checkErrorText(t, newProbeError(cause, time.Second, true))
		}
		if causeOfCheck(text).reason == "" {
			t.Errorf("no reason for %q", text)
		}
	})
}

func checkErrorText(t *testing.T, err error) {
	t.Helper()
	sample := Sample{Err: err}
	text := errorText(err)
	if len(text) > limits.Text || strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		t.Errorf("%d bytes: %q", len(text), text)
	}
	if err != nil && (ClassOf(sample) == "" || causeThrough(sample).reason == "") {
		t.Errorf("%q is of no class, or has no reason", text)
	}
}
