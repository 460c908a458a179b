// SPDX-License-Identifier: Apache-2.0

// Package observetest has a cache with the operator's indexes, for tests.
package observetest

import (
	"context"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/extensionapi/extensionapi-operator/internal/kinds"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
)

// Cache returns a reader of these objects.
func Cache(t *testing.T, objects ...client.Object) client.Client {
	t.Helper()
	builder := fake.NewClientBuilder().WithScheme(kinds.Scheme()).WithReturnManagedFields().WithObjects(objects...)
	for _, index := range observe.Indexes() {
		if err := index.AddTo(t.Context(), indexing{builder}); err != nil {
			t.Fatal(err)
		}
	}
	return builder.Build()
}

type indexing struct{ *fake.ClientBuilder }

// IndexField implements client.FieldIndexer.
func (i indexing) IndexField(_ context.Context, object client.Object, field string, values client.IndexerFunc) error {
	i.WithIndex(object, field, values)
	return nil
}
