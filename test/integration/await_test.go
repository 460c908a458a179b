// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

const (
	// patience is much longer than any check here takes on a busy machine.
	patience = time.Minute
	poll     = 50 * time.Millisecond
	// forAWhile is how long consistently checks that nothing changes.
	forAWhile = 3 * time.Second
)

// eventually waits until the check succeeds.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(ctx, poll, patience, true, func(context.Context) (bool, error) {
		last = check()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("still after %s: %v", patience, last)
	}
}

// consistently checks that the check keeps succeeding for a while.
func consistently(t *testing.T, check func() error) {
	t.Helper()
	err := wait.PollUntilContextTimeout(ctx, poll, forAWhile, true, func(context.Context) (bool, error) {
		return false, check()
	})
	if !wait.Interrupted(err) {
		t.Fatal(err)
	}
}

// condition is the expectation of a test for one condition.
type condition struct {
	conditionType string
	status        metav1.ConditionStatus
	reason        string
	// says are substrings of the message.
	says []string
}

func isTrue(conditionType, reason string, says ...string) condition {
	return condition{conditionType, metav1.ConditionTrue, reason, says}
}

func isFalse(conditionType, reason string, says ...string) condition {
	return condition{conditionType, metav1.ConditionFalse, reason, says}
}

func isUnknown(conditionType, reason string, says ...string) condition {
	return condition{conditionType, metav1.ConditionUnknown, reason, says}
}

// await waits until kstatus computes want for the ExtensionAPI's latest generation and all conditions match.
func await(t *testing.T, name string, want status.Status, conditions ...condition) {
	t.Helper()
	plane.await(t, name, want, conditions...)
}

func (p *controlPlane) await(t *testing.T, name string, want status.Status, conditions ...condition) {
	t.Helper()
	p.awaitThat(t, name, func(extensionAPI *v1alpha1.ExtensionAPI) error {
		if extensionAPI.Status.ObservedGeneration != extensionAPI.Generation {
			return fmt.Errorf("generation %d has not been observed", extensionAPI.Generation)
		}
		computed, err := kstatusOf(extensionAPI)
		if err != nil {
			return err
		}
		if computed != want {
			return fmt.Errorf("kstatus computes %s, want %s", computed, want)
		}
		for _, wanted := range conditions {
			if err := wanted.check(extensionAPI); err != nil {
				return err
			}
		}
		return nil
	})
}

// awaitThat waits until wanted returns no error for the ExtensionAPI.
func awaitThat(
	t *testing.T, name string, wanted func(*v1alpha1.ExtensionAPI) error,
) *v1alpha1.ExtensionAPI {
	t.Helper()
	return plane.awaitThat(t, name, wanted)
}

func (p *controlPlane) awaitThat(
	t *testing.T, name string, wanted func(*v1alpha1.ExtensionAPI) error,
) *v1alpha1.ExtensionAPI {
	t.Helper()
	var extensionAPI *v1alpha1.ExtensionAPI
	eventually(t, func() error {
		extensionAPI = p.get(t, name)
		if err := wanted(extensionAPI); err != nil {
			return fmt.Errorf("%w\n%s", err, describe(extensionAPI))
		}
		return nil
	})
	return extensionAPI
}

// get reads an ExtensionAPI and checks its conformance.
func get(t *testing.T, name string) *v1alpha1.ExtensionAPI {
	t.Helper()
	return plane.get(t, name)
}

func (p *controlPlane) get(t *testing.T, name string) *v1alpha1.ExtensionAPI {
	t.Helper()
	extensionAPI := named(name)
	if err := p.client.Get(ctx, client.ObjectKeyFromObject(extensionAPI), extensionAPI); err != nil {
		t.Fatal(err)
	}
	if err := checkConformance(extensionAPI); err != nil {
		t.Fatalf("ExtensionAPI %s is not conformant: %v\n%s", name, err, describe(extensionAPI))
	}
	return extensionAPI
}

func (c condition) check(extensionAPI *v1alpha1.ExtensionAPI) error {
	found := meta.FindStatusCondition(extensionAPI.Status.Conditions, c.conditionType)
	if found == nil {
		return fmt.Errorf("there is no condition %s", c.conditionType)
	}
	if found.Status != c.status || found.Reason != c.reason {
		return fmt.Errorf("condition %s is %s %s, want %s %s: %s",
			c.conditionType, found.Status, found.Reason, c.status, c.reason, found.Message)
	}
	for _, part := range c.says {
		if !strings.Contains(found.Message, part) {
			return fmt.Errorf("the message of condition %s lacks %q: %q", c.conditionType, part, found.Message)
		}
	}
	return nil
}
