// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// faultsFile lists what can be wrong with a server, and which condition reports it.
	faultsFile = "docs/troubleshooting/faults.md"
	// reviewInterval is that of samples and evaluations.
	reviewInterval = "5m"
	pages          = `ALERTS{alertstate="firing",severity="critical",extensionapi!=""}`
)

// situation is the state of one ExtensionAPI, which the test names after it.
type situation struct {
	// name contains no quotes.
	name string
	// conditions are "type status reason"; of a type that is not listed there is no series.
	conditions []string
	// expires is when its certificate does, in seconds since the begin of the test.
	expires int
}

func (s situation) with(name string, conditions ...string) situation {
	s.name += ", " + name
	s.conditions = append(slices.Clone(s.conditions), conditions...)
	return s
}

// consequences are what may follow from a fault, and what may be the cause of an outage: kube-apiserver finds the
// server available or not, or the stand-in replaces it; its storage fails, its certificate has expired, and namespaces
// wait.
func (s situation) consequences() (all []situation) {
	for _, outage := range []situation{
		s.with("unavailable", "Ready False FailedDiscoveryCheck", "APIServicesAvailable False FailedDiscoveryCheck"),
		s.with("replaced", "Ready False StandIn", "APIServicesAvailable False StandIn", "ServerAvailable False StandIn"),
	} {
		expired := outage.with("certificate expired", "CertificatesReady True ExpiresSoon")
		expired.expires = 1
		all = append(all, outage, expired, outage.with("without storage", "StorageAvailable False StorageUnreachable"),
			outage.with("namespaces wait", "NamespacesDeletable False NamespacesBlocked"))
	}
	available := s.with("available", "APIServicesAvailable True AllAvailable")
	return append(all, available, available.with("namespaces wait", "NamespacesDeletable False NamespacesBlocked"),
		s.with("not registered", "Ready False NotRegistered", "APIServicesAvailable False NotRegistered"))
}

// TestAFaultPagesAtMostOnce reviews what a fault of docs/troubleshooting/faults.md brings at night, alone and with what
// may follow from it. No inhibit rule is needed for that.
func TestAFaultPagesAtMostOnce(t *testing.T) {
	var situations []situation
	for _, fault := range documentedFaults(t) {
		situations = append(situations, fault.consequences()...)
	}
	test := unitTestCase{Interval: reviewInterval, Expressions: []expressionCheck{
		// What pages twice is listed with its alerts.
		{"count by (extensionapi) (max by (alertname, extensionapi) (" + pages + ")) > 1", "60m", nil},
	}}
	unavailable := 0
	for _, one := range situations {
		test.InputSeries = append(test.InputSeries, one.series()...)
		if strings.Contains(one.name, ", unavailable") {
			unavailable++
		}
	}
	test.Expressions = append(test.Expressions, expressionCheck{
		`count(` + pages + ` and ALERTS{alertname="ExtensionAPIUnavailable",extensionapi=~".*, unavailable.*"})`,
		"60m",
		[]expectedSample{{"{}", float64(unavailable)}},
	})
	runReview(t, test)
}

// TestOnlyFaultsThatHarmOthersNowPage lists the faults that page although the API is available. All others wait until
// working hours.
func TestOnlyFaultsThatHarmOthersNowPage(t *testing.T) {
	test := unitTestCase{Interval: reviewInterval}
	for _, fault := range documentedFaults(t) {
		available := fault.with("available", "APIServicesAvailable True AllAvailable")
		test.InputSeries = append(test.InputSeries, available.series()...)
	}
	check := expressionCheck{"count by (extensionapi, alertname) (" + pages + ")", "60m", nil}
	for _, fault := range []string{
		// Aggregated discovery is incorrect: namespaces are not deleted, or leave objects behind.
		"DiscoveryWithinLimit False MissingInDiscovery", "DiscoveryWithinLimit False AggregatedDiscoveryFailed",
	} {
		labels := fmt.Sprintf(`{alertname="ExtensionAPIDiscoveryStale",extensionapi="%s, available"}`, fault)
		check.Samples = append(check.Samples, expectedSample{labels, 1})
	}
	test.Expressions = []expressionCheck{check}
	runReview(t, test)
}

func runReview(t *testing.T, test unitTestCase) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pages.yaml")
	write(t, file, map[string]any{
		"rule_files": []string{absolute(t, alertsFile)}, "evaluation_interval": reviewInterval, "tests": []unitTestCase{test},
	})
	if err := Promtool(t, "test", "rules", file); err != nil {
		t.Error(err)
	}
}

// series returns the series of the ExtensionAPI; a condition also has one for each status that it does not have.
func (s situation) series() (series []inputSeries) {
	add := func(metric, labels string, value int) {
		selector := fmt.Sprintf(`%s{extensionapi=%q%s,pod="operator-1"}`, metric, s.name, labels)
		series = append(series, inputSeries{selector, fmt.Sprintf("%dx12", value)})
	}
	add("extensionapi_info", `,server_namespace="shop",service="a"`, 1)
	if s.expires > 0 {
		add("extensionapi_certificate_expiration_timestamp_seconds", `,certificate="serving"`, s.expires)
	}
	for _, condition := range s.conditions {
		parts := strings.Fields(condition)
		for _, status := range []string{"True", "False", "Unknown"} {
			value := 0
			if status == parts[1] {
				value = 1
			}
			add("extensionapi_condition", fmt.Sprintf(`,type=%q,status=%q`, parts[0], status), value)
		}
		add("extensionapi_condition_reason", fmt.Sprintf(`,type=%q,reason=%q`, parts[0], parts[2]), 1)
	}
	return series
}

// documentedFaults returns a situation for each condition with a status and a reason of docs/troubleshooting/faults.md.
func documentedFaults(t *testing.T) (faults []situation) {
	t.Helper()
	message := regexp.MustCompile(`(?m)^(\w+)=(True|False|Unknown) (\w+):`)
	found := map[string]bool{}
	for _, parts := range message.FindAllStringSubmatch(string(read(t, faultsFile)), -1) {
		name := strings.Join(parts[1:], " ")
		if !found[name] {
			faults = append(faults, situation{name: name, conditions: []string{name}})
		}
		found[parts[1]], found[name] = true, true
	}
	for _, condition := range []string{
		v1alpha1.ConditionDiscoveryWithinLimit, v1alpha1.ConditionServesObjects, v1alpha1.ConditionNamespacesDeletable,
	} {
		if !found[condition] {
			t.Fatalf("%s has no message of %s", faultsFile, condition)
		}
	}
	return faults
}
