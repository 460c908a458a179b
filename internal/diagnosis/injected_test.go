// SPDX-License-Identifier: Apache-2.0

package diagnosis

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot/snapshottest"
)

func TestAFailedHandshakeIsExplainedByAnInjectedProxy(t *testing.T) {
	for name, test := range map[string]struct {
		class     discovery.Class
		container string
		explained bool
	}{
		"the connection breaks": {discovery.ClassOther, "istio-proxy", true},
		"another certificate":   {discovery.ClassUntrusted, "istio-proxy", true},
		"the server responds":   {discovery.ClassMissing, "istio-proxy", false},
		"nothing is injected":   {discovery.ClassOther, "apiserver", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := snapshottest.New()
			s.Spec.Server.Template.Spec.Containers = []corev1.Container{{Name: "apiserver"}}
			snapshottest.Change(&s.Server, func(server *snapshot.Workload) {
				pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: snapshottest.Replica.Pod}}
				pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: test.container}}
				server.Pods = []corev1.Pod{pod}
			})
			target := discovery.Target{CABundle: []byte("ca"), Replicas: s.Replicas()}
			failure := &discovery.ProbeError{Class: test.class, Text: "EOF"}
			replica := discovery.AtEndpoint(discovery.Replica{Endpoint: snapshottest.Replica}, snapshottest.GroupVersion)
			s.Probes = discovery.NewRound(target, discovery.Records{replica: snapshottest.Failing(failure)})
			message := Obstacle(s, snapshottest.GroupVersion, target).Message()
			if !strings.Contains(message, "fails discovery: EOF") ||
				strings.Contains(message, `sidecar.istio.io/inject: "false"`) != test.explained {
				t.Errorf("message %q", message)
			}
		})
	}
}
