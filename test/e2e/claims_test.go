// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/holders"
)

// TestOwnerOfAGroupVersionIsNotTouchedAndNamed makes each kind of holder claim the group-version before the
// ExtensionAPI, release it, claim it again while it is registered, and release it again.
func TestOwnerOfAGroupVersionIsNotTouchedAndNamed(t *testing.T) {
	for _, holder := range holders.All {
		t.Run(holder.Kind, func(t *testing.T) {
			t.Parallel()
			name := "held-by-" + holder.Kind
			do(t, holder.Claim, name)
			rival := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: holders.Rival(name)}}
			if holder.Yields {
				removeOnCleanup(t, rival)
			}
			awaitNextSecond(t)
			extensionAPI := faultServerAPI(name, name+".example.com", "v1", "v2")
			extensionAPI.Spec.Groups[0].Sharing = v1alpha1.SharingAllowed
			startSingle(t, extensionAPI)
			eventually(t, time.Minute, isHeld(extensionAPI, holder))
			do(t, holder.Release, name)
			eventually(t, time.Minute, isHealthy(extensionAPI))
			do(t, holder.TakeOver, name)
			switch {
			case holder.Yields:
				eventually(t, time.Minute, reportsClaim(rival, metav1.ConditionFalse, holder.Reason, "which has registered it"))
			case holder.Contests:
				eventually(t, time.Minute, reportsClaim(
					extensionAPI, metav1.ConditionTrue, v1alpha1.ReasonContested, holder.Message))
			default:
				eventually(t, time.Minute, isHeld(extensionAPI, holder))
			}
			do(t, holder.Release, name)
			eventually(t, time.Minute, reportsClaim(extensionAPI, metav1.ConditionTrue, v1alpha1.ReasonClaimed, ""))
			eventually(t, time.Minute, isHealthy(extensionAPI))
		})
	}
}

// awaitNextSecond waits until new objects have a later creationTimestamp than existing ones.
func awaitNextSecond(t *testing.T) {
	t.Helper()
	next := holders.NextSecond()
	eventually(t, soon, func(context.Context) error { return next() })
}

// singleFaultServer starts a server with one replica.
func singleFaultServer(t *testing.T, name string, versions ...string) *v1alpha1.ExtensionAPI {
	t.Helper()
	extensionAPI := faultServerAPI(name, name+".example.com", versions...)
	startSingle(t, extensionAPI)
	return extensionAPI
}

func startSingle(t *testing.T, extensionAPI *v1alpha1.ExtensionAPI) {
	t.Helper()
	extensionAPI.Spec.Server.Replicas = ptr.To[int32](1)
	createUntilCleanup(t, extensionAPI)
}

func do(t *testing.T, action holders.Action, name string) {
	t.Helper()
	eventually(t, soon, func(ctx context.Context) error { return action(ctx, kube, name) })
}

// isHeld succeeds when v1 is reported as held by the holder, and v2 is registered and available.
func isHeld(extensionAPI *v1alpha1.ExtensionAPI, holder holders.Holder) func(context.Context) error {
	reported := reportsClaim(extensionAPI, metav1.ConditionFalse, holder.Reason, holder.Message)
	return func(ctx context.Context) error {
		if err := reported(ctx); err != nil {
			return err
		}
		current, err := currently(ctx, extensionAPI)
		if err != nil {
			return err
		}
		return holders.CheckStatus(current.Status)
	}
}

func reportsClaim(
	extensionAPI *v1alpha1.ExtensionAPI, status metav1.ConditionStatus, reason, words string,
) func(context.Context) error {
	return is(extensionAPI, v1alpha1.ConditionClaimed, status, reason, words)
}

// TestAPIServiceOfAHelmReleaseIsAdopted installs an APIService with Helm, adopts it under load, and uninstalls the
// release, which deletes it.
func TestAPIServiceOfAHelmReleaseIsAdopted(t *testing.T) {
	const name, release, groupVersion = "e2e-adopted", "e2e-shop", "/apis/e2e-adopted.example.com/v1"
	provider := faultServerAPI("e2e-earlier", "earlier.example.com", "v1")
	provider.Spec.Server.Template.Spec.Containers[0].Args = append(
		provider.Spec.Server.Template.Spec.Containers[0].Args, "--group-version="+name+".example.com/v1")
	createUntilCleanup(t, provider)
	eventually(t, time.Minute, isHealthy(provider))
	t.Cleanup(func() {
		if _, err := runHelm(context.WithoutCancel(t.Context()), "uninstall", release, "--ignore-not-found"); err != nil {
			t.Error(err)
		}
	})
	helm(t, "install", release, "test/e2e/testdata/shop", "--set", fmt.Sprintf(
		"group=%s.example.com,namespace=%s,service=%s", name, sampleNamespace, provider.Name))
	eventually(t, time.Minute, canBeRead(groupVersion))

	extensionAPI := singleFaultServer(t, name, "v1")
	eventually(t, time.Minute, reportsClaim(extensionAPI, metav1.ConditionFalse, v1alpha1.ReasonHeldByHelmRelease,
		fmt.Sprintf("Helm release %q", operatorNamespace+"/"+release)))
	reading := startReadingAt(t, turnsPerSecond, groupVersion)
	change(t, extensionAPI, func(spec *v1alpha1.ExtensionAPISpec) { spec.AdoptionPolicy = v1alpha1.AdoptionAdopt })
	eventually(t, time.Minute, isHealthy(extensionAPI))
	if failed := reading.end(t); failed > 0 {
		t.Errorf("%d of %d requests failed", failed, reading.requests)
	}

	helm(t, "uninstall", release)
	eventually(t, time.Minute, isHealthy(extensionAPI))
	eventually(t, time.Minute, canBeRead(groupVersion))
}

func canBeRead(path string) func(context.Context) error {
	return func(ctx context.Context) error {
		return discoverer.RESTClient().Get().AbsPath(path).MaxRetries(0).Do(ctx).Error()
	}
}
