// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/check"
	"github.com/extensionapi/extensionapi-operator/internal/doctor/render"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// screen writes an ExtensionAPI for people.
type screen struct {
	strings.Builder

	now   time.Time
	style render.Style
	// limit is the longest good latency.
	limit time.Duration
}

func (s *screen) write(out io.Writer, extensionAPI *v1alpha1.ExtensionAPI, events []event) error {
	status := &extensionAPI.Status
	s.summary(extensionAPI)
	s.conditions(status.Conditions)
	s.apiServices(status.APIServices)
	s.replicas(status.Endpoints)
	s.controllers(status.Controllers)
	s.storage(status.Storage)
	s.certificate(status.Certificate)
	s.events(events)
	_, err := io.WriteString(out, s.String())
	return err
}

func (s *screen) add(format string, args ...any) { _, _ = fmt.Fprintf(s, format+"\n", args...) }

// table writes rows below a title, nothing if there are no rows.
func (s *screen) table(title string, header []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	s.add("\n%s", title)
	_ = printTable(s, append([][]string{header}, rows...)) // a Builder returns no error
}

func (s *screen) summary(extensionAPI *v1alpha1.ExtensionAPI) {
	status := &extensionAPI.Status
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		s.add("%s %s: the operator has not observed it yet", s.style.Mark(check.NotChecked), extensionAPI.Name)
		return
	}
	s.add("%s %s: Ready is %s (%s), since %s", s.style.Mark(levelOf(ready)), extensionAPI.Name, ready.Status,
		printable(ready.Reason), s.ago(ready.LastTransitionTime.Time))
	s.add("groups: %s", printable(status.Groups))
	if status.ReadyReplicas != nil {
		s.add("ready replicas: %d of %d", *status.ReadyReplicas, ptr.Deref(status.Replicas, *status.ReadyReplicas))
	}
	for _, waits := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		if condition := meta.FindStatusCondition(status.Conditions, waits); isTrue(condition) {
			s.add("%s: %s", waits, printable(condition.Message))
		}
	}
	s.standIn(status.StandIn)
	if extensionAPI.Generation != status.ObservedGeneration {
		s.add("the operator has not observed the last change of the spec yet")
	}
}

// standIn reports what kube-apiserver's status of the APIServices does not show.
func (s *screen) standIn(status *v1alpha1.StandInStatus) {
	switch {
	case status == nil:
	case status.Since != nil:
		s.add("%s stand-in: the operator has served discovery in place of the server for %s; kube-apiserver reports "+
			"Available=True, but requests for objects are answered 503", s.style.Mark(check.Broken), s.ago(status.Since.Time))
	case status.Until != nil:
		ended := fmt.Sprintf("stand-in: ended %s ago %s", s.ago(status.Until.Time), printable(status.Message))
		s.add("%s", strings.TrimSpace(ended))
	}
}

func isTrue(condition *metav1.Condition) bool {
	return condition != nil && condition.Status == metav1.ConditionTrue
}

func levelOf(condition *metav1.Condition) check.Level {
	switch condition.Status {
	case metav1.ConditionTrue:
		return check.OK
	case metav1.ConditionFalse:
		return check.Broken
	default:
		return check.NotChecked
	}
}

// conditions are those that Ready, Reconciling and Stalled summarize.
func (s *screen) conditions(conditions []metav1.Condition) {
	if len(conditions) > 0 {
		s.add("\nconditions")
	}
	for i := range conditions {
		condition := &conditions[i]
		switch condition.Type {
		case v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled:
			continue
		}
		s.add("%s %s (%s): %s", s.style.Mark(levelOf(condition)), condition.Type, printable(condition.Reason),
			printable(condition.Message))
	}
}

func (s *screen) apiServices(apiServices []v1alpha1.APIServiceStatus) {
	var rows [][]string
	for _, apiService := range apiServices {
		rows = append(rows, slices.Concat(
			[]string{printable(apiService.Name), string(apiService.Available)}, s.latency(apiService.Discovery)))
	}
	s.table("APIServices, through kube-apiserver", slices.Concat([]string{"NAME", "AVAILABLE"}, latencyColumns), rows)
}

func (s *screen) replicas(endpoints []v1alpha1.EndpointStatus) {
	var rows [][]string
	for _, endpoint := range endpoints {
		ejected := "-"
		if endpoint.Ejected != nil {
			ejected = s.ago(endpoint.Ejected.Since.Time)
		}
		rows = append(rows, slices.Concat(
			[]string{printable(endpoint.Pod), printable(endpoint.Address), ejected}, s.latency(endpoint.Discovery)))
	}
	s.table("replicas, directly", slices.Concat([]string{"POD", "ADDRESS", "EJECTED"}, latencyColumns), rows)
}

// controllers have no message: the condition ControllersAvailable has that of the worst one.
func (s *screen) controllers(controllers []v1alpha1.ControllerStatus) {
	var rows [][]string
	for _, controller := range controllers {
		ready := "-"
		if controller.ReadyReplicas != nil {
			ready = fmt.Sprint(*controller.ReadyReplicas)
		}
		rows = append(rows, []string{
			printable(controller.Name), string(controller.Available), ready, printable(controller.Reason),
		})
	}
	s.table("controllers", []string{"NAME", "AVAILABLE", "READY REPLICAS", "REASON"}, rows)
}

var latencyColumns = []string{"LAST", "P50", "P99", "MAX", "P99 OF LIMIT", "ERROR"}

func (s *screen) latency(measured *v1alpha1.DiscoveryStatus) []string {
	if measured == nil {
		return []string{"-", "-", "-", "-", "", ""}
	}
	var cells []string
	for _, latency := range []*metav1.Duration{measured.Last, measured.P50, measured.P99, measured.Max} {
		if latency == nil {
			cells = append(cells, "-")
		} else {
			cells = append(cells, latency.Round(100*time.Microsecond).String())
		}
	}
	return append(cells, gauge(measured.P99, s.limit), printable(measured.Error))
}

// gaugeWidth is the number of characters of a gauge.
const gaugeWidth = 10

// gauge plots a latency: full at the limit.
func gauge(latency *metav1.Duration, limit time.Duration) string {
	if latency == nil || limit <= 0 {
		return ""
	}
	filled := int(min(gaugeWidth, (latency.Duration*gaugeWidth+limit-1)/limit))
	return strings.Repeat("█", filled) + strings.Repeat("░", gaugeWidth-filled)
}

func (s *screen) certificate(certificate *v1alpha1.CertificateStatus) {
	if certificate == nil {
		return
	}
	s.add("\ncertificate")
	s.add("serving certificate: expires %s", s.until(certificate.NotAfter.Time))
	if certificate.RenewalTime != nil {
		s.add("renewal: %s", s.until(certificate.RenewalTime.Time))
	}
	if certificate.CANotAfter != nil {
		s.add("CA: expires %s", s.until(certificate.CANotAfter.Time))
	}
	if certificate.Rotation != nil {
		s.rotation(certificate.Rotation)
	}
}

// phases are in the order of a rotation.
var phases = []v1alpha1.RotationPhase{
	v1alpha1.RotationPublishingTrust, v1alpha1.RotationAwaitingTrust, v1alpha1.RotationAwaitingServed,
	v1alpha1.RotationDroppingTrust,
}

// rotation is a timeline: what is done, what lasts and for how long, and what follows.
func (s *screen) rotation(rotation *v1alpha1.RotationStatus) {
	current := slices.Index(phases, rotation.Phase)
	var steps []string
	for i, phase := range phases {
		switch {
		case i < current:
			steps = append(steps, s.style.Mark(check.OK)+" "+string(phase))
		case i == current:
			steps = append(steps, fmt.Sprintf("▶ %s (for %s)", phase, s.ago(rotation.Since.Time)))
		default:
			steps = append(steps, "· "+string(phase))
		}
	}
	s.add("rotation: %s", strings.Join(steps, "  "))
	if rotation.Next != "" {
		s.add("next: %s", printable(rotation.Next))
	}
}

func (s *screen) events(events []event) {
	var rows [][]string
	for _, e := range events {
		rows = append(rows, []string{s.ago(e.Last), e.Type, e.Reason, e.Object, e.Message})
	}
	s.table("last Events", []string{"LAST", "TYPE", "REASON", "OBJECT", "MESSAGE"}, rows)
}

func (s *screen) ago(moment time.Time) string { return duration.HumanDuration(s.now.Sub(moment)) }

// until is a time with how long that is.
func (s *screen) until(moment time.Time) string {
	if left := moment.Sub(s.now); left > 0 {
		return fmt.Sprintf("%s (in %s)", pki.Timestamp(moment), duration.HumanDuration(left))
	}
	return fmt.Sprintf("%s (%s ago)", pki.Timestamp(moment), s.ago(moment))
}
