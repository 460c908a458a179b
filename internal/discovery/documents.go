// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// Documents are the discovery documents of a server, complete.
type Documents struct {
	// Discovery is of each group-version that it answered.
	Discovery []metav1.APIResourceList
	// OpenAPIV2 is empty if it has none.
	OpenAPIV2 json.RawMessage
	// OpenAPIV3 has the documents of group-versions, by group/version, as far as it has them.
	OpenAPIV3 map[string]json.RawMessage
}

// documentsTimeout bounds reading all documents of one server.
const documentsTimeout = time.Minute

// Documents reads the documents of a target from the first of its replicas that answers the discovery of all its
// group-versions. OpenAPI that cannot be read is left out.
func (p *Prober) Documents(ctx context.Context, target Target) (Documents, error) {
	ctx, cancel := context.WithTimeout(ctx, documentsTimeout)
	defer cancel()
	token, err := p.tokens.Token(ctx)
	if err != nil {
		return Documents{}, err
	}
	transport := newDirectTransport(p.clock, target, target.timeout())
	defer transport.CloseIdleConnections()
	reader := documentReader{
		client: &http.Client{Transport: transport, CheckRedirect: refuseRedirect, Timeout: target.timeout()}, token: token,
	}
	err = errors.New("there is no replica to read from")
	for _, replica := range target.Replicas {
		if replica.Ejected {
			continue
		}
		var discovery []metav1.APIResourceList
		if discovery, err = reader.discovery(ctx, replica.Address, target.GroupVersions); err == nil {
			return reader.withOpenAPI(ctx, replica.Address, discovery), nil
		}
	}
	return Documents{}, err
}

// documentReader reads complete documents of one server.
type documentReader struct {
	client *http.Client
	token  string
}

func (r documentReader) discovery(
	ctx context.Context, address string, groupVersions []schema.GroupVersion,
) (all []metav1.APIResourceList, err error) {
	resources := 0
	for _, groupVersion := range groupVersions {
		body, err := r.get(ctx, address, "/apis/"+groupVersion.String())
		if err != nil {
			return nil, err
		}
		list, err := decodeList(body, groupVersion, limits.StoredResources-resources)
		if err != nil {
			return nil, err
		}
		resources += len(list.APIResources)
		all = append(all, list)
	}
	return all, nil
}

// decodeList counts the resources before it decodes them: a short document may contain many.
func decodeList(
	body []byte, groupVersion schema.GroupVersion, most int,
) (list metav1.APIResourceList, err error) {
	counted, err := documents.ReadResourceList(bytes.NewReader(body))
	switch {
	case err != nil:
		return list, err
	case counted.GroupVersion != groupVersion.String():
		return list, documents.Malformed("for another group-version than %s", groupVersion)
	case counted.Resources > most:
		return list, documents.Malformed("with more than %d resources", limits.StoredResources)
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return list, documents.Malformed("with no valid APIResourceList: %v", err)
	}
	return list, nil
}

func (r documentReader) withOpenAPI(
	ctx context.Context, address string, discovery []metav1.APIResourceList,
) Documents {
	result := Documents{Discovery: discovery, OpenAPIV3: map[string]json.RawMessage{}}
	result.OpenAPIV2, _ = r.get(ctx, address, "/openapi/v2")
	for _, list := range discovery {
		if document, err := r.get(ctx, address, "/openapi/v3/apis/"+list.GroupVersion); err == nil {
			result.OpenAPIV3[list.GroupVersion] = document
		}
	}
	return result
}

// get returns a JSON document.
func (r documentReader) get(ctx context.Context, address, path string) (json.RawMessage, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", acceptJSON)
	request.Header.Set("Authorization", "Bearer "+r.token)
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return readJSON(response)
}

// readJSON returns a valid document without its white space.
func readJSON(response *http.Response) (json.RawMessage, error) {
	body, err := documents.Body(response)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(body, limits.StoredDocument+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > limits.StoredDocument:
		return nil, documents.Malformed("with more than %d KiB", limits.StoredDocument>>10)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, content); err != nil {
		return nil, documents.Malformed("with no valid JSON: %v", err)
	}
	return compact.Bytes(), nil
}
