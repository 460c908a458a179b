// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// swagger is what is read and merged of OpenAPI v2.
type swagger struct {
	Swagger     string                     `json:"swagger"`
	Info        map[string]any             `json:"info"`
	Paths       map[string]json.RawMessage `json:"paths"`
	Definitions map[string]json.RawMessage `json:"definitions"`
}

// OwnV2 returns what a server's OpenAPI v2 contains of its own group-versions: paths of other groups would be taken for
// those of their servers, and what is no object would make the merged document invalid.
func OwnV2(document json.RawMessage, groupVersions []schema.GroupVersion) json.RawMessage {
	var own swagger
	if len(groupVersions) == 0 || json.Unmarshal(document, &own) != nil {
		return nil
	}
	isOwn := func(path string) bool {
		return slices.ContainsFunc(groupVersions, func(of schema.GroupVersion) bool {
			return strings.HasPrefix(path+"/", "/apis/"+of.String()+"/")
		})
	}
	maps.DeleteFunc(own.Paths, func(path string, value json.RawMessage) bool { return !isOwn(path) || !isObject(value) })
	maps.DeleteFunc(own.Definitions, func(_ string, value json.RawMessage) bool { return !isObject(value) })
	encoded, err := json.Marshal(own)
	if err != nil {
		return nil // it was decoded a moment ago
	}
	return encoded
}

func isObject(value json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimSpace(value), []byte("{"))
}

// mergedV2 merges the OpenAPI v2 of several servers. kube-apiserver takes the paths of each APIService's group from it
// (kube-aggregator pkg/controllers/openapi/aggregator/aggregator.go).
func mergedV2(all []OpenAPI) swagger {
	merged := swagger{
		Swagger: "2.0", Info: map[string]any{"title": "extensionapi-operator stand-in", "version": "unversioned"},
		Paths: map[string]json.RawMessage{}, Definitions: map[string]json.RawMessage{},
	}
	for _, each := range all {
		var document swagger
		if json.Unmarshal(each.V2, &document) != nil {
			continue // the server has none that can be read
		}
		addMissing(merged.Paths, document.Paths)
		addMissing(merged.Definitions, document.Definitions)
	}
	return merged
}

func addMissing(to, from map[string]json.RawMessage) {
	for name, value := range from {
		if _, found := to[name]; !found {
			to[name] = value
		}
	}
}

// indexV3 is the list of OpenAPI v3 documents, in the format of k8s.io/kube-openapi pkg/handler3.
type indexV3 struct {
	Paths map[string]documentV3 `json:"paths"`
}

type documentV3 struct {
	ServerRelativeURL string `json:"serverRelativeURL"`
}

// indexOf lists the OpenAPI v3 documents of several servers.
func indexOf(all []OpenAPI) indexV3 {
	index := indexV3{Paths: map[string]documentV3{}}
	for _, each := range all {
		for groupVersion, document := range each.V3 {
			index.Paths["apis/"+groupVersion] = documentV3{"/openapi/v3/apis/" + groupVersion + "?hash=" + hashOf(document)}
		}
	}
	return index
}

func hashOf(document []byte) string {
	sum := sha256.Sum256(document)
	return hex.EncodeToString(sum[:])
}
