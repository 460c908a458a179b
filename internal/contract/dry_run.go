// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/extensionapi/extensionapi-operator/internal/documents"
	"github.com/extensionapi/extensionapi-operator/internal/limits"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
)

// dryRun creates an object in a dry run, and looks whether it exists afterwards.
func (t *tester) dryRun(ctx context.Context, resource objects.Resource) error {
	if err := t.permitted(ctx, resource.GroupVersionResource(), "create", "get", "delete"); err != nil {
		return err
	}
	document, err := t.document()
	if err != nil {
		return skippedError{"OpenAPI v3 cannot be read: " + err.Error()}
	}
	operation := document.creation(resource)
	switch {
	case operation == nil:
		return skippedError{"OpenAPI v3 does not say that an object can be created, looked at and deleted"}
	case !operation.knowsDryRun():
		return skippedError{"OpenAPI v3 does not say that the server knows dryRun, so it could store the object"}
	}
	tried := t.candidate(ctx, document, operation, resource)
	answer, failure := t.create(ctx, tried)
	if err := t.expectNotStored(ctx, tried); err != nil { // in any case: the server may have done what it was not to do
		return err
	}
	if failure != nil {
		return failure
	}
	if err := judgeDryRun(answer, tried.source); err != nil {
		return err
	}
	t.accepted = append(t.accepted, tried)
	return notedError{"sent was " + tried.source}
}

// permitted skips a case for which the user lacks a permission.
func (t *tester) permitted(ctx context.Context, resource schema.GroupVersionResource, verbs ...string) error {
	for _, verb := range verbs {
		switch permitted, err := objectcheck.PermissionOf(t.cluster.Client)(ctx, verb, resource); {
		case err != nil:
			return err
		case !permitted:
			return skippedError{fmt.Sprintf("not permitted to %s %s", verb, resource.Resource)}
		}
	}
	return nil
}

func (t *tester) readOpenAPI(ctx context.Context) (document openAPI, err error) {
	err = t.request(ctx, "/openapi/v3"+t.path(""), accept("application/json"), func(response *http.Response) error {
		if err := expectOK(response); err != nil {
			return err
		}
		body, err := documents.Body(response)
		if err == nil {
			document, err = readOpenAPI(body)
		}
		return err
	})
	return document, err
}

// answer is the response to a request that may be rejected.
type answer struct {
	status int
	// text is the status, and the message of the server.
	text string
	// body is the beginning of the response.
	body []byte
}

func (a answer) succeeded() bool { return a.status >= 200 && a.status < 300 }

// create sends the dry run.
func (t *tester) create(ctx context.Context, tried candidate) (answer, error) {
	content, err := json.Marshal(tried.object.Object)
	if err != nil {
		return answer{}, err
	}
	return t.send(ctx, http.MethodPost, tried.path()+"?dryRun=All&fieldManager=kubectl-extensionapi", content)
}

func (t *tester) send(ctx context.Context, method, path string, content []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	header := http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}}
	response, err := t.cluster.Send(ctx, method, path, header, bytes.NewReader(content))
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, limits.Status.Bytes))
	if err != nil {
		return answer{}, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	text := "answered " + response.Status
	if message := documents.ErrorMessage(response); message != "" {
		text += ": " + message
	}
	return answer{response.StatusCode, text, body}, nil
}

// judgeDryRun fails where the server cannot create, although it advertises the verb. That it rejects the object says
// nothing: there may be rules that the object does not know.
func judgeDryRun(answer answer, source string) error {
	switch {
	case answer.succeeded():
		return nil
	case answer.status == http.StatusNotFound, answer.status == http.StatusMethodNotAllowed,
		answer.status >= http.StatusInternalServerError, answer.status < http.StatusBadRequest:
		return errors.New(answer.text)
	default:
		return skippedError{fmt.Sprintf("the server rejects %s: %s", source, answer.text)}
	}
}

// deleteTimeout bounds a deletion, which is requested also after an interruption.
const deleteTimeout = 10 * time.Second

// expectNotStored fails, and deletes the object, if the server ignores dryRun.
func (t *tester) expectNotStored(ctx context.Context, tried candidate) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	path := tried.path() + "/" + tried.object.GetName()
	got, err := t.send(ctx, http.MethodGet, path, nil)
	switch {
	case err != nil:
		return fmt.Errorf("whether %s was stored is not known: %w", path, err)
	case got.status == http.StatusNotFound:
		return nil
	case !got.succeeded():
		return skippedError{fmt.Sprintf("whether %s was stored is not known: %s", path, got.text)}
	}
	deleted, err := t.send(ctx, http.MethodDelete, path, nil)
	if err == nil && !deleted.succeeded() {
		err = errors.New(deleted.text)
	}
	if err != nil {
		return fmt.Errorf("the server ignores dryRun=All: %s was stored, and could not be deleted: %w", path, err)
	}
	return errors.New("the server ignores dryRun=All: the object was stored; it has been deleted")
}
