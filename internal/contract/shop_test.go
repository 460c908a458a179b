// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"

	"github.com/extensionapi/extensionapi-operator/internal/cli/connect/connecttest"
)

// shop stands for kube-apiserver, with a server that stores widgets.
type shop struct {
	// openAPI is the document, withDryRun if it is empty.
	openAPI string
	// ignoresDryRun stores what is created, refused answers a method with a status, and calls is for policies.
	ignoresDryRun, callsPolicies bool
	refused                      map[string]int
	// existing is the first item of lists, if any.
	existing string

	mu sync.Mutex
	// sent are the bodies of creations, and stored the paths of objects.
	sent   []string
	stored []string
	// policies are names of the policies and bindings, and kept those that are listed from the beginning.
	policies, deleted []string
	kept              []string
}

const (
	withDryRun = `{"paths":{` +
		`"/apis/shop.example.com/v1/namespaces/{namespace}/widgets":{"post":{"parameters":[{"name":"dryRun","in":"query"}],` +
		`"x-kubernetes-group-version-kind":{"group":"shop.example.com","version":"v1","kind":"Widget"},` +
		`"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Widget"}}}}}},` +
		`"/apis/shop.example.com/v1/namespaces/{namespace}/widgets/{name}":{"get":{},"delete":{}}},` +
		`"components":{"schemas":{"Widget":{"type":"object","required":["size"],` +
		`"properties":{"size":{"type":"integer","minimum":3}}}}}}`
	collection   = "/apis/shop.example.com/v1/namespaces/default/widgets"
	policiesPath = "/apis/admissionregistration.k8s.io/v1/"
)

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	status, answer := s.answer(r)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (s *shop) answer(r *http.Request) (status int, answer string) {
	switch path := r.URL.Path; {
	case path == "/openapi/v3/apis/shop.example.com/v1":
		return http.StatusOK, cmp.Or(s.openAPI, withDryRun)
	case path == "/apis/shop.example.com/v1":
		return http.StatusOK, fmt.Sprintf(`{"kind":"APIResourceList","groupVersion":"%s","resources":[{"name":"widgets",`+
			`"kind":"Widget","namespaced":true,"verbs":["create","delete","get"]}]}`, version)
	case strings.HasPrefix(path, policiesPath):
		return s.policy(r)
	case path == "/apis/shop.example.com/v1/widgets":
		return http.StatusOK, `{"kind":"WidgetList","items":[` + s.existing + `]}`
	case strings.HasPrefix(path, collection):
		return s.object(r)
	default:
		return http.StatusNotFound, "{}"
	}
}

// object answers for one widget.
func (s *shop) object(r *http.Request) (status int, answer string) {
	if refused := s.refused[r.Method]; refused != 0 {
		return refused, `{"kind":"Status","message":"refused by the shop"}`
	}
	switch r.Method {
	case http.MethodPost:
		return s.create(r)
	case http.MethodDelete:
		s.stored = slices.DeleteFunc(s.stored, func(path string) bool { return path == r.URL.Path })
		return http.StatusOK, "{}"
	default:
		if slices.Contains(s.stored, r.URL.Path) {
			return http.StatusOK, "{}"
		}
		return http.StatusNotFound, "{}"
	}
}

func (s *shop) create(r *http.Request) (status int, answer string) {
	body, _ := io.ReadAll(r.Body)
	s.sent = append(s.sent, string(body))
	var object struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(body, &object)
	if s.callsPolicies && len(s.policies) > 0 {
		return http.StatusUnprocessableEntity, fmt.Sprintf(`{"kind":"Status","message":"%s denied it"}`, s.policies[0])
	}
	if s.ignoresDryRun || r.URL.Query().Get("dryRun") != "All" {
		s.stored = append(s.stored, collection+"/"+object.Metadata.Name)
	}
	return http.StatusCreated, string(body)
}

// policy answers for policies and bindings, which come as protobuf.
func (s *shop) policy(r *http.Request) (status int, answer string) {
	resource, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, policiesPath), "/")
	kind := "ValidatingAdmissionPolicy"
	if strings.HasSuffix(resource, "bindings") {
		kind += "Binding"
	}
	if refused := s.refused[r.Method+" policies"]; refused != 0 {
		return refused, fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"refused","code":%d,`+
			`"reason":%q}`, refused, strings.ReplaceAll(http.StatusText(refused), " ", ""))
	}
	switch r.Method {
	case http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		s.policies = append(s.policies, policyName(string(body)))
		return http.StatusCreated, fmt.Sprintf(`{"kind":%q,"apiVersion":"admissionregistration.k8s.io/v1",`+
			`"metadata":{"name":%q}}`, kind, policyName(string(body)))
	case http.MethodDelete:
		s.deleted = append(s.deleted, kind+" "+name)
		return http.StatusOK, `{"kind":"Status","apiVersion":"v1","status":"Success"}`
	default:
		return http.StatusOK, `{"kind":"` + kind + `List","apiVersion":"admissionregistration.k8s.io/v1","items":[` +
			strings.Join(s.kept, ",") + `]}`
	}
}

// policyName finds the name in any encoding.
func policyName(body string) string {
	start := strings.Index(body, namePrefix)
	if start < 0 {
		return ""
	}
	return body[start : start+len(namePrefix)+randomLength]
}

// hurried is a clock on which every wait ends at once.
type hurried struct{ *testingclock.FakeClock }

func (h hurried) After(wait time.Duration) <-chan time.Time {
	h.Step(wait)
	passed := make(chan time.Time, 1)
	passed <- h.Now()
	return passed
}

func hurriedClock() hurried {
	return hurried{testingclock.NewFakeClock(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))}
}

// resultOf is one case of a run against the shop.
func resultOf(t *testing.T, s *shop, name string, options Options, denied ...string) Case {
	t.Helper()
	cluster := connecttest.Cluster(t, connecttest.Permitting(s, denied...))
	suite := Run(t.Context(), cluster, hurriedClock(), version, options)
	for _, result := range suite.Cases {
		if result.Name == name {
			return result
		}
	}
	t.Fatalf("there is no case %q: %+v", name, suite)
	return Case{}
}
