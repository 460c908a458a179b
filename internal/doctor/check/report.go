// SPDX-License-Identifier: Apache-2.0

// Package check finds out from a view of the aggregation layer what is wrong in it. It decides and reads nothing.
package check

import (
	"slices"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// Level is the result of a check.
type Level string

// The levels, from good to bad. NotChecked is not compared: it says nothing of the cluster.
const (
	NotChecked Level = "notChecked"
	OK         Level = "ok"
	Warning    Level = "warning"
	Broken     Level = "broken"
)

var severities = map[finding.Severity]Level{
	0: NotChecked, finding.Info: OK, finding.Warning: Warning, finding.Critical: Broken,
}

// Result is what a check found of one object. Its zero Severity means that the object was not checked, for the reason
// in its Evidence.
type Result struct {
	finding.Finding
	// Object is the object as kubectl names it (apiservice.apiregistration.k8s.io/v1.a), empty if it is about the cluster.
	Object string
}

// Level returns the level of the result.
func (r Result) Level() Level { return severities[r.Severity] }

// Outcome is all that one check found.
type Outcome struct {
	// ID is stable, and has a row in docs/kubectl-plugin.md.
	ID string
	// Title is what holds where the check passed.
	Title string
	// Results has one for each object that was checked, or was to be.
	Results []Result
}

// Section is a group of checks.
type Section struct {
	Name     string
	Outcomes []Outcome
}

// Report is the result of all checks.
type Report struct {
	// Host is the address of kube-apiserver in the kubeconfig.
	Host     string
	Sections []Section
}

// Of returns the results of the outcome of that level.
func (o Outcome) Of(level Level) []Result {
	return slices.DeleteFunc(slices.Clone(o.Results), func(r Result) bool { return r.Level() != level })
}

// Level is the worst level of the outcome, NotChecked if nothing was checked.
func (o Outcome) Level() Level {
	worst := NotChecked
	for _, result := range o.Results {
		worst = Worse(worst, result.Level())
	}
	return worst
}

// Level is the worst level of the report.
func (r Report) Level() Level {
	worst := NotChecked
	for _, section := range r.Sections {
		for _, outcome := range section.Outcomes {
			worst = Worse(worst, outcome.Level())
		}
	}
	return worst
}

// Worse returns the worse one of two levels.
func Worse(a, b Level) Level {
	order := []Level{NotChecked, OK, Warning, Broken}
	if slices.Index(order, a) < slices.Index(order, b) {
		return b
	}
	return a
}

// Run evaluates all checks.
func Run(v *view.View) Report {
	report := Report{Host: v.Host}
	for _, section := range sections {
		evaluated := Section{Name: section.name}
		for _, check := range section.checks {
			if results := check.evaluate(v); len(results) > 0 {
				evaluated.Outcomes = append(evaluated.Outcomes, Outcome{check.id, check.title, results})
			}
		}
		if len(evaluated.Outcomes) > 0 {
			report.Sections = append(report.Sections, evaluated)
		}
	}
	return report
}

// check is one check. One without any result, such as for a cluster without APIServices, is left out of the report.
type check struct {
	id, title string
	evaluate  func(*view.View) []Result
}

var sections = []struct {
	name   string
	checks []check
}{
	{"aggregation layer", []check{
		{"kube-apiserver", "kube-apiserver answers", reachable},
		{"known-bugs", "no known bug of this Kubernetes version harms aggregated APIs", bugs},
		{"clock", "the clocks of kube-apiserver and of this machine agree", clocks},
		{"front-proxy-trust", "kube-apiserver publishes how extension API servers authenticate it", trust},
		{"front-proxy-certificate", "kube-apiserver has a client certificate for extension API servers", proxyCertificate},
		{"aggregated-discovery", "kube-apiserver serves aggregated discovery", aggregatedDiscovery},
	}},
	{"APIServices", []check{
		{"available", "kube-apiserver reports them as available", available},
		{"stand-in", "none leads to the operator's stand-in", standIn},
		{"kube-apiservers", "every kube-apiserver reaches the server", kubeAPIServers},
		{"claim", "no CustomResourceDefinition wants the same group-version", claimed},
		{"orphan", "none is left behind without a server", orphaned},
	}},
	{"servers", []check{
		{"service", "kube-apiserver can route to the Service, and endpoints are ready", service},
		{"replicas", "there are several ready replicas", replicas},
		{"disruption-budget", "a PodDisruptionBudget covers the Pods", disruptionBudget},
		{"termination", "Pods that terminate still answer for a moment", termination},
		{"delegation", "the servers may authenticate and authorize requests by kube-apiserver", delegation},
	}},
	{"certificates", []check{
		{"verification", "kube-apiserver verifies the serving certificate", verification},
		{"ca-bundle", "the caBundle contains a CA that stays valid", caBundle},
		{"served", "the caBundle verifies what Pods serve", served},
	}},
	{"requests through kube-apiserver", []check{
		{"latency", "discovery is answered within 5s", latency},
		{"freshness", "aggregated discovery contains the group-version", freshness},
		{"objects", "objects are listed and watched as Kubernetes' controllers expect", servesObjects},
		{"openapi", "OpenAPI contains the group-version", openAPI},
	}},
	{"namespaces", []check{
		{"namespaces", "none is stuck in its deletion", namespaces},
	}},
	{"autoscalers", []check{
		{"autoscalers", "every HorizontalPodAutoscaler gets its metrics", autoscalers},
	}},
	{"ExtensionAPIs", []check{
		{"conditions", "they are ready, and within their limits", conditions},
	}},
}
