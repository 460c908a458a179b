// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"cmp"
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
)

// Column is a column of kubectl get.
type Column[T Object] struct {
	Name, Description string
	// Type is string, the default, integer, number, boolean or date, and Format a format of OpenAPI.
	Type, Format string
	// Wide columns are only shown by kubectl get -o wide.
	Wide  bool
	Value func(T) any
}

func (c Column[T]) definition() metav1.TableColumnDefinition {
	definition := metav1.TableColumnDefinition{
		Name: c.Name, Type: cmp.Or(c.Type, "string"), Format: c.Format, Description: c.Description,
	}
	if c.Wide {
		definition.Priority = 1
	}
	return definition
}

// tableConvertor has a row for each object.
type tableConvertor[T Object] struct {
	columns     []Column[T]
	definitions []metav1.TableColumnDefinition
}

func newTable[T Object](columns []Column[T]) rest.TableConvertor {
	definitions := []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the object"},
	}
	for _, column := range columns {
		definitions = append(definitions, column.definition())
	}
	definitions = append(definitions, metav1.TableColumnDefinition{
		Name: "Age", Type: "string", Description: "Time since the object was created",
	})
	return tableConvertor[T]{columns, definitions}
}

// ConvertToTable returns the table of an object or a list.
func (t tableConvertor[T]) ConvertToTable(
	_ context.Context, object, options runtime.Object,
) (*metav1.Table, error) {
	rows, err := table.MetaToTableRow(object, t.row)
	if err != nil {
		return nil, err
	}
	result := &metav1.Table{Rows: rows}
	switch list := object.(type) {
	case metav1.ListInterface:
		result.ResourceVersion, result.Continue = list.GetResourceVersion(), list.GetContinue()
		result.RemainingItemCount = list.GetRemainingItemCount()
	case metav1.ListMetaAccessor:
		result.ResourceVersion = list.GetListMeta().GetResourceVersion()
		result.Continue = list.GetListMeta().GetContinue()
		result.RemainingItemCount = list.GetListMeta().GetRemainingItemCount()
	case metav1.Object:
		result.ResourceVersion = list.GetResourceVersion()
	}
	if wanted, ok := options.(*metav1.TableOptions); !ok || !wanted.NoHeaders {
		result.ColumnDefinitions = t.definitions
	}
	return result, nil
}

func (t tableConvertor[T]) row(object runtime.Object, _ metav1.Object, name, age string) ([]any, error) {
	typed, ok := object.(T)
	if !ok {
		return nil, fmt.Errorf("%T is not %T", object, typed)
	}
	cells := []any{name}
	for _, column := range t.columns {
		cells = append(cells, column.Value(typed))
	}
	return append(cells, age), nil
}
