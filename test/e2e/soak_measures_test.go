// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/test/soak"
)

const (
	mib = 1 << 20
	// established is the state of a TCP connection in /proc/net/tcp.
	established = "01"
)

// The measures of a soak. Where there are several processes, the largest value counts.
const (
	goroutines      = "goroutines of the operator"
	openFiles       = "open files of the operator"
	resident        = "resident MiB of the operator"
	series          = "series of the operator"
	connections     = "connections to the servers"
	ofKubeAPIServer = "goroutines of a kube-apiserver"
	secrets         = "Secrets"
	ownedObjects    = "objects of the operator"
)

// startMeasuring determines what may grow, and by how much: what depends on the moment, and on which processes were
// replaced, varies.
func (s *soaking) startMeasuring(t *testing.T) {
	t.Helper()
	metricsReader(t)
	s.measures = []*soak.Measure{
		{Name: goroutines, Share: 0.2, Slack: 50},
		{Name: openFiles, Share: 0.2, Slack: 20},
		{Name: resident, Share: 0.25, Slack: 20},
		{Name: series, Share: 0.05, Slack: 100},
		{Name: connections, Share: 0.2, Slack: 20},
		{Name: ofKubeAPIServer, Share: 0.3, Slack: 200},
		{Name: secrets},
		{Name: ownedObjects},
	}
}

// measure adds a value to each measure.
func (s *soaking) measure(t *testing.T) {
	t.Helper()
	var values map[string]float64
	patiently(t, calm, func(ctx context.Context) (err error) {
		values, err = s.takeMeasures(ctx)
		return err
	})
	var printed []string
	for _, measure := range s.measures {
		value := values[measure.Name]
		measure.Values = append(measure.Values, value)
		printed = append(printed, fmt.Sprintf("%s %.0f", measure.Name, value))
	}
	progress("  %s", strings.Join(printed, ", "))
}

func (s *soaking) mustNotGrow(t *testing.T) {
	t.Helper()
	for _, measure := range s.measures {
		progress("%s: %.0f", measure.Name, measure.Values)
		if err := measure.Grown(); err != nil {
			t.Error(err)
		}
	}
}

func (s *soaking) takeMeasures(ctx context.Context) (map[string]float64, error) {
	values := map[string]float64{}
	err := errors.Join(
		measureOperator(ctx, values), s.measureKubeAPIServers(ctx, values), s.measureServers(ctx, values),
		measureObjects(ctx, values))
	return values, err
}

func measureOperator(ctx context.Context, values map[string]float64) error {
	token, err := output(ctx, "kubectl", "create", "token", "e2e-reader", "--namespace", metav1.NamespaceDefault)
	if err != nil {
		return err
	}
	pods, err := operatorPods(ctx)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		status, body, err := scrape(ctx, pod, token)
		if err != nil || status != http.StatusOK {
			return cmp.Or(err, fmt.Errorf("%s responds with status %d", pod.Name, status))
		}
		found := parseMetrics(body)
		for name, value := range map[string]float64{
			goroutines: found["go_goroutines"], openFiles: found["process_open_fds"],
			resident: found["process_resident_memory_bytes"] / mib, series: float64(len(found)),
		} {
			values[name] = max(values[name], value)
		}
	}
	return nil
}

func (s *soaking) measureKubeAPIServers(ctx context.Context, values map[string]float64) error {
	httpClient, err := rest.HTTPClientFor(adminConfig)
	if err != nil {
		return err
	}
	for _, server := range s.kubeAPIServers {
		body, err := get(ctx, httpClient, "https://"+server.address+"/metrics")
		if err != nil {
			return err
		}
		values[ofKubeAPIServer] = max(values[ofKubeAPIServer], parseMetrics(body)["go_goroutines"])
	}
	return nil
}

func get(ctx context.Context, httpClient *http.Client, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", address, response.Status)
	}
	return string(content), err
}

// parseMetrics returns the values of all series in a scrape.
func parseMetrics(body string) map[string]float64 {
	found := map[string]float64{}
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		if end := strings.LastIndexByte(line, ' '); end > 0 && !strings.HasPrefix(line, "#") {
			found[line[:end]], _ = strconv.ParseFloat(line[end+1:], 64)
		}
	}
	return found
}

// measureServers counts the connections that the Pods of all servers have.
func (s *soaking) measureServers(ctx context.Context, values map[string]float64) error {
	pods := &corev1.PodList{}
	if err := kube.List(ctx, pods, client.HasLabels{ownerLabel}); err != nil {
		return err
	}
	for i := range pods.Items {
		for _, container := range pods.Items[i].Status.ContainerStatuses {
			process, found := findProcess(container)
			if !found {
				return fmt.Errorf("found no process of Pod %s", pods.Items[i].Name)
			}
			count, err := connectionsOf(process)
			if err != nil {
				return err
			}
			values[connections] += float64(count)
		}
	}
	return nil
}

// connectionsOf counts the established connections in the network namespace of a process.
func connectionsOf(process int) (count int, err error) {
	for _, family := range []string{"tcp", "tcp6"} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", process, family))
		if err != nil {
			return 0, err
		}
		for lines := bufio.NewScanner(strings.NewReader(string(content))); lines.Scan(); {
			if fields := strings.Fields(lines.Text()); len(fields) > 3 && fields[3] == established {
				count++
			}
		}
	}
	return count, nil
}

// measureObjects counts what must not be left behind. Helm keeps a Secret for each of its latest releases.
func measureObjects(ctx context.Context, values map[string]float64) error {
	found := &corev1.SecretList{}
	if err := kube.List(ctx, found, client.MatchingFields{"type": string(corev1.SecretTypeOpaque)}); err != nil {
		return err
	}
	all := len(found.Items)
	if err := kube.List(ctx, found, client.MatchingFields{"type": string(corev1.SecretTypeTLS)}); err != nil {
		return err
	}
	values[secrets] = float64(all + len(found.Items))
	owned, err := takeInventory(ctx, ownerLabel)
	if err != nil {
		return err
	}
	isDerived := func(_ string, o object) bool { return len(o.OwnerReferences) > 0 || o.Resource == "endpoints" }
	maps.DeleteFunc(owned, isDerived)
	values[ownedObjects] = float64(len(owned))
	return nil
}
