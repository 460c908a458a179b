// SPDX-License-Identifier: Apache-2.0

package extensionserver

import "net/http"

// openAPIIndex returns the response to GET /openapi/v3.
func (s *Server) openAPIIndex(*http.Request, Behaviour) any {
	paths := map[string]any{}
	for _, groupVersion := range s.groupVersions {
		path := "apis/" + groupVersion.String()
		paths[path] = map[string]any{"serverRelativeURL": "/openapi/v3/" + path + "?hash=0"}
	}
	return map[string]any{"paths": paths}
}

// openAPI returns the response to GET /openapi/v3/apis/GROUP/VERSION.
func (s *Server) openAPI(r *http.Request, behaviour Behaviour) any {
	groupVersion := requestedGroupVersion(r)
	if !s.serves(groupVersion, behaviour) {
		return nil
	}
	return map[string]any{
		"openapi": "3.0.0",
		"info":    map[string]any{"title": "extensionserver", "version": groupVersion.Version},
		"paths":   map[string]any{},
	}
}

// swagger returns the response to GET /openapi/v2, from which kube-apiserver takes the paths of a group-version.
func (s *Server) swagger(*http.Request, Behaviour) any {
	paths := map[string]any{}
	for _, groupVersion := range s.groupVersions {
		ok := map[string]any{"200": map[string]string{"description": "OK"}}
		paths["/apis/"+groupVersion.String()+"/"] = map[string]any{"get": map[string]any{"responses": ok}}
	}
	return map[string]any{
		"swagger":     "2.0",
		"info":        map[string]any{"title": "extensionserver", "version": "v1"},
		"paths":       paths,
		"definitions": map[string]any{},
	}
}
