// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
)

// needed is what servers with delegated authentication and authorization do (k8s.io/apiserver pkg/server/options).
var needed = []struct {
	what       string
	attributes authorizationv1.ResourceAttributes
}{
	{"create tokenreviews", authorizationv1.ResourceAttributes{
		Group: "authentication.k8s.io", Resource: "tokenreviews", Verb: "create",
	}},
	{"create subjectaccessreviews", authorizationv1.ResourceAttributes{
		Group: "authorization.k8s.io", Resource: "subjectaccessreviews", Verb: "create",
	}},
	{"get ConfigMap " + aggregation.TrustConfigMap().String(), authorizationv1.ResourceAttributes{
		Resource: "configmaps", Verb: "get",
		Namespace: aggregation.TrustConfigMap().Namespace, Name: aggregation.TrustConfigMap().Name,
	}},
}

// denied returns what a ServiceAccount may not do of what a server needs. The reviews are not stored.
func (c *collector) denied(ctx context.Context, namespace, account string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var denied []string
	for _, request := range needed {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: fmt.Sprintf("system:serviceaccount:%s:%s", namespace, account),
			Groups: []string{
				"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated",
			},
			ResourceAttributes: &request.attributes,
		}}
		if err := c.cluster.Client.Create(ctx, review); err != nil {
			return nil, err
		}
		if !review.Status.Allowed {
			denied = append(denied, request.what)
		}
	}
	return denied, nil
}
