// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/cli/connect"
	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
)

// event is an Event in the output.
type event struct {
	Last    time.Time `json:"last"`
	Count   int32     `json:"count"`
	Type    string    `json:"type"`
	Reason  string    `json:"reason"`
	Object  string    `json:"object"`
	Message string    `json:"message"`
}

const eventsHelp = `Lists the Events of the ExtensionAPI, and those of the Deployments, ReplicaSets and Pods of
its server and its controllers as far as the permissions go, the last one at the end.`

func eventsCommand(o *options) *cobra.Command {
	var output outputFlag
	command := &cobra.Command{
		Use:               "events EXTENSIONAPI",
		Short:             "List the Events of an ExtensionAPI, its server and its controllers",
		Long:              eventsHelp,
		Example:           "  kubectl extensionapi events wardle\n  kubectl extensionapi events wardle -o json",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: o.completeExtensionAPI,
		RunE: func(command *cobra.Command, args []string) error {
			cluster, err := o.connect()
			if err != nil {
				return err
			}
			extensionAPI, err := read(command.Context(), cluster, args[0])
			if err != nil {
				return err
			}
			events, err := eventsOf(command.Context(), cluster, extensionAPI)
			if err != nil {
				return err
			}
			return output.write(o.Out, events, func() error { return o.printEvents(events) })
		},
	}
	output.add(command, outputText, outputJSON, outputYAML)
	return command
}

// eventsOf returns the Events of an ExtensionAPI, and those of its Pods and their owners that may be read, in the order
// of time.
func eventsOf(
	ctx context.Context, cluster *connect.Cluster, extensionAPI *v1alpha1.ExtensionAPI,
) ([]event, error) {
	own := &corev1.EventList{}
	// Events about objects without a namespace are in this one.
	err := cluster.Client.List(ctx, own, client.InNamespace("default"), client.MatchingFields{
		"involvedObject.kind": "ExtensionAPI", "involvedObject.name": extensionAPI.Name,
	})
	if err != nil {
		return nil, err
	}
	found := eventsIn(own, func(corev1.ObjectReference) bool { return true })
	if extensionAPI.Spec.Server != nil {
		others := &corev1.EventList{}
		// Without the permission, those of the ExtensionAPI are shown.
		if cluster.Client.List(ctx, others, client.InNamespace(manifests.BackendOf(extensionAPI).Namespace)) == nil {
			found = append(found, eventsIn(others, func(about corev1.ObjectReference) bool {
				return isOfPods(about, extensionAPI)
			})...)
		}
	}
	slices.SortStableFunc(found, func(a, b event) int { return a.Last.Compare(b.Last) })
	return found, nil
}

// isOfPods reports whether an object is the Deployment of the server or of a controller, or has a name that is derived
// from that.
func isOfPods(about corev1.ObjectReference, extensionAPI *v1alpha1.ExtensionAPI) bool {
	switch about.Kind {
	case "Deployment":
		return about.Name == extensionAPI.Name || slices.ContainsFunc(manifests.ControllersOf(extensionAPI),
			func(controller manifests.Workload) bool { return controller.Name == about.Name })
	case "ReplicaSet", "Pod":
		return strings.HasPrefix(about.Name, extensionAPI.Name+"-")
	default:
		return false
	}
}

func eventsIn(list *corev1.EventList, match func(corev1.ObjectReference) bool) []event {
	found := []event{}
	for i := range list.Items {
		item := &list.Items[i]
		if !match(item.InvolvedObject) {
			continue
		}
		shown := event{
			Last: item.LastTimestamp.Time, Count: max(item.Count, 1), Type: printable(item.Type),
			Reason: printable(item.Reason), Message: printable(item.Message),
			Object: printable(item.InvolvedObject.Kind + "/" + item.InvolvedObject.Name),
		}
		if item.Series != nil {
			shown.Last, shown.Count = item.Series.LastObservedTime.Time, item.Series.Count
		}
		if shown.Last.IsZero() {
			shown.Last = cmp.Or(item.EventTime.Time, item.CreationTimestamp.Time)
		}
		found = append(found, shown)
	}
	return found
}

func (o *options) printEvents(events []event) error {
	if len(events) == 0 {
		_, err := fmt.Fprintln(o.ErrOut, "There are no Events; kube-apiserver keeps them for an hour by default.")
		return err
	}
	rows := [][]string{{"LAST", "COUNT", "TYPE", "REASON", "OBJECT", "MESSAGE"}}
	for _, e := range events {
		rows = append(rows, []string{
			o.age(e.Last), fmt.Sprint(e.Count), e.Type, e.Reason, e.Object, e.Message,
		})
	}
	return printTable(o.Out, rows)
}

func (o *options) age(moment time.Time) string {
	if moment.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(o.clock.Since(moment))
}

// maxPrinted is how many bytes of a message of others are printed.
const maxPrinted = 2048

func printable(text string) string { return excerpt.Of(text, maxPrinted) }
