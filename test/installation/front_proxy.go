// SPDX-License-Identifier: Apache-2.0

package installation

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// RequestHeaderCA is the flag of kube-apiserver with the CA of its client certificate, which it publishes.
const RequestHeaderCA = "requestheader-client-ca-file"

const (
	frontProxyName     = "front-proxy-client"
	frontProxyValidity = 24 * time.Hour
)

// FrontProxyFlags returns the flags with which kube-apiserver authenticates to extension API servers, by the client
// certificate that WriteFrontProxy writes to a directory.
func FrontProxyFlags(dir string) map[string]string {
	certificate := filepath.Join(dir, "front-proxy.crt")
	return map[string]string{
		RequestHeaderCA:                      certificate,
		"requestheader-allowed-names":        frontProxyName,
		"requestheader-username-headers":     "X-Remote-User",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
		"proxy-client-cert-file":             certificate,
		"proxy-client-key-file":              filepath.Join(dir, "front-proxy.key"),
	}
}

// WriteFrontProxy writes a self-signed certificate, which can be its own CA, so that one is enough.
func WriteFrontProxy(dir string) error {
	pair, err := pki.NewSigner(frontProxyName, time.Now(), frontProxyValidity)
	if err != nil {
		return err
	}
	flags := FrontProxyFlags(dir)
	return errors.Join(os.WriteFile(flags["proxy-client-cert-file"], pair.Certificate, 0o600),
		os.WriteFile(flags["proxy-client-key-file"], pair.Key, 0o600))
}
