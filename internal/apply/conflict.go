// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

// ConflictError means that an object of the wanted name belongs to another owner.
type ConflictError struct {
	Kind, Namespace, Name string
	// Owner is that of the object, as far as its metadata shows.
	Owner ownership.Owner
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s exists already and belongs to %s",
		nameOf(e.Kind, client.ObjectKey{Namespace: e.Namespace, Name: e.Name}), e.Owner)
}

// Look returns the command that shows the object, with its owner.
func (e *ConflictError) Look() string {
	namespace := ""
	if e.Namespace != "" {
		namespace = " -n " + e.Namespace
	}
	return fmt.Sprintf("kubectl%s get %s %s -o yaml", namespace, strings.ToLower(e.Kind), e.Name)
}

// nameOf returns the name of an object in messages.
func nameOf(kind string, key client.ObjectKey) string {
	if key.Namespace == "" {
		return kind + " " + key.Name
	}
	return kind + " " + key.String()
}
