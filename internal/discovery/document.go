// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"net/http"
)

// Document requests a document of a replica with the trust and the identity of its probes, but outside of any round,
// and returns what read returns for the response. The target has only to say how the server is verified.
func (p *Prober) Document(
	ctx context.Context, target Target, address, path string, header http.Header, read func(*http.Response) error,
) error {
	if len(target.CABundle) == 0 {
		return errNoCABundle
	}
	token, err := p.tokens.Token(ctx)
	if err != nil {
		return err
	}
	transport := newDirectTransport(p.clock, target, target.timeout())
	transport.DisableKeepAlives = true
	httpClient := &http.Client{Transport: transport, CheckRedirect: refuseRedirect}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		return err
	}
	request.Header = header.Clone()
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := httpClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return read(response)
}
