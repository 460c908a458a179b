// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	apimachineryversion "k8s.io/apimachinery/pkg/version"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

// maxVersion is how many bytes of a version are read and shown.
const maxVersion = 64

// readVersion reads the version of kube-apiserver, and its clock from the same response.
func (c *collector) readVersion(ctx context.Context, v *view.View) {
	var info apimachineryversion.Info
	_, err := get(ctx, c, "/version", nil, func(response *http.Response) (any, error) {
		server, err := http.ParseTime(response.Header.Get("Date"))
		v.Clocks = snapshot.Of(view.Clocks{Server: server, Local: c.clock.Now()}, err)
		return nil, json.NewDecoder(io.LimitReader(response.Body, limits.Status.Bytes)).Decode(&info)
	})
	v.Version = snapshot.Of(excerpt.Of(info.GitVersion, maxVersion), err)
}

func (c *collector) missingTrust(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	configMap := &corev1.ConfigMap{}
	if err := c.cluster.Client.Get(ctx, aggregation.TrustConfigMap(), configMap); client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	return aggregation.MissingTrust(configMap), nil
}

// missingCertificate reads the checks of kube-apiserver. One that is not ready lists them, too.
func (c *collector) missingCertificate(ctx context.Context) ([]string, error) {
	found, err := request(ctx, c, "/readyz?verbose", nil, func(response *http.Response) (bool, error) {
		if isDenied(response) {
			return false, denied(response)
		}
		return aggregation.ReadProxyCertificate(response)
	})
	if err != nil || found {
		return nil, err
	}
	return aggregation.MissingProxyCertificate(c.cluster.Host), nil
}

// discovery is nil where kube-apiserver has no aggregated discovery: it then answers with the list of groups, or 406.
func (c *collector) discovery(ctx context.Context) (map[schema.GroupVersion]view.Freshness, error) {
	header := http.Header{"Accept": {aggregation.AcceptAggregated + ",application/json"}}
	return request(ctx, c, "/apis", header, func(response *http.Response) (map[schema.GroupVersion]view.Freshness, error) {
		switch {
		case response.StatusCode == http.StatusNotAcceptable:
			return nil, nil
		case response.StatusCode != http.StatusOK:
			return nil, denied(response)
		case !strings.Contains(response.Header.Get("Content-Type"), "as=APIGroupDiscoveryList"):
			return nil, nil
		}
		states, err := aggregation.ReadDiscovery(response)
		listed := map[schema.GroupVersion]view.Freshness{}
		for groupVersion, state := range states {
			listed[groupVersion] = view.Freshness{Stale: state.Stale, Empty: state.Empty}
		}
		return listed, err
	})
}

// resources are those of aggregated discovery, nil if it cannot be read: discovery then reports why.
func (c *collector) resources(ctx context.Context) objectcheck.Aggregated {
	session, err := c.cluster.ObjectChecker(c.clock).Begin(ctx)
	if err != nil {
		return nil
	}
	found, err := session.Aggregated(ctx)
	if err != nil {
		return nil
	}
	return found
}

// openAPIV3 reads the list of documents.
func (c *collector) openAPIV3(ctx context.Context) (sets.Set[schema.GroupVersion], error) {
	return get(ctx, c, "/openapi/v3", nil, func(response *http.Response) (sets.Set[schema.GroupVersion], error) {
		var list struct {
			Paths map[string]json.RawMessage `json:"paths"`
		}
		if err := json.NewDecoder(io.LimitReader(response.Body, limits.Discovery.Bytes)).Decode(&list); err != nil {
			return nil, err
		}
		found := sets.New[schema.GroupVersion]()
		for path := range list.Paths {
			groupVersion, isAPI := strings.CutPrefix(path, "apis/")
			if parsed, err := schema.ParseGroupVersion(groupVersion); isAPI && err == nil {
				found.Insert(parsed)
			}
		}
		return found, nil
	})
}

// openAPIV2 looks for the paths of the APIServices in a document of some megabytes.
func (c *collector) openAPIV2(ctx context.Context, wanted []view.APIService) (sets.Set[schema.GroupVersion], error) {
	return get(ctx, c, "/openapi/v2", nil, func(response *http.Response) (sets.Set[schema.GroupVersion], error) {
		content, err := io.ReadAll(io.LimitReader(response.Body, limits.ClusterDiscovery.Bytes))
		if err != nil {
			return nil, err
		}
		found := sets.New[schema.GroupVersion]()
		for _, apiService := range wanted {
			if bytes.Contains(content, fmt.Appendf(nil, `"/apis/%s/`, apiService.GroupVersion())) {
				found.Insert(apiService.GroupVersion())
			}
		}
		return found, nil
	})
}

// get is request for documents with status 200.
func get[T any](
	ctx context.Context, c *collector, path string, header http.Header, read func(*http.Response) (T, error),
) (T, error) {
	return request(ctx, c, path, header, func(response *http.Response) (T, error) {
		if response.StatusCode != http.StatusOK {
			var none T
			return none, denied(response)
		}
		return read(response)
	})
}

// request returns what read returns for the response of kube-apiserver, whatever its status.
func request[T any](
	ctx context.Context, c *collector, path string, header http.Header, read func(*http.Response) (T, error),
) (result T, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if header == nil {
		header = http.Header{"Accept": {"application/json"}}
	}
	response, err := c.cluster.Get(ctx, path, header)
	if err != nil {
		return result, err
	}
	defer func() { _ = response.Body.Close() }()
	return read(response)
}

func isDenied(response *http.Response) bool {
	return response.StatusCode == http.StatusUnauthorized || response.StatusCode == http.StatusForbidden
}

// denied is the error of a status that is not 200.
func denied(response *http.Response) error {
	message := documents.ErrorMessage(response)
	if isDenied(response) {
		return apierrors.NewForbidden(schema.GroupResource{}, "", errors.New(message))
	}
	return fmt.Errorf("answered %s: %s", response.Status, message)
}
