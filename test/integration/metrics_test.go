// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

func TestMetricsAreForWhomTheyWereGranted(t *testing.T) {
	t.Parallel()
	const stranger, reader = "metrics-stranger", "metrics-reader"
	createForTheTest(t, &rbacv1.ClusterRoleBinding{
		ObjectMeta: in("", reader),
		RoleRef: rbacv1.RoleRef{
			APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "extensionapi-operator:metrics-reader",
		},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: operatorNamespace, Name: reader}},
	})
	for who, wanted := range map[string]int{stranger: http.StatusForbidden, reader: http.StatusOK} {
		createForTheTest(t, &corev1.ServiceAccount{ObjectMeta: in(operatorNamespace, who)})
		token := kubectl(t, "create", "token", who, "--namespace", operatorNamespace)
		if status := scrape(t, strings.TrimSpace(token)); status != wanted {
			t.Errorf("the operator answers %s with status %d instead of %d", who, status, wanted)
		}
	}
}

// scrape returns the status with which the operator answers who asks for its metrics.
func scrape(t *testing.T, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodGet, "https://"+running.metricsAddress+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	// The operator signs the certificate of its metrics itself.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode
}
