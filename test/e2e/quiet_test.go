// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/test/audit"
)

const operatorUser = "system:serviceaccount:" + operatorNamespace + ":" + operatorName

var (
	writes = []string{"create", "update", "patch", "delete", "deletecollection"}
	// upkeep are writes that change nothing of ExtensionAPIs: leader election, authorization of metrics requests, tokens
	// for probes, and what the operator is permitted. They are counted separately.
	upkeep = []string{
		"leases", "tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews", "serviceaccounts/token",
	}
)

func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	extensionAPI := wardle(t, sampleNamespace)
	// A change of a latency by a tenth of the limit is reported, and so causes a write.
	extensionAPI.Spec.Discovery.Limit = &metav1.Duration{Duration: time.Minute}
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	eventually(t, time.Minute, measured(extensionAPI))
	// Where the first look at objects fails, there is another one after 30 s.
	eventually(t, 2*time.Minute, is(extensionAPI, v1alpha1.ConditionServesObjects, metav1.ConditionUnknown,
		v1alpha1.ReasonNotPermitted, ""))
	eventually(t, time.Minute, quiet)

	quietFor := 5 * time.Minute
	if testing.Short() {
		quietFor = time.Minute // two rounds of probes
	}
	progress("Counting the operator's write requests for %s", quietFor)
	start := time.Now()
	select {
	case <-t.Context().Done():
	case <-time.After(quietFor):
	}
	written, apart, err := operatorWrites(start)
	if err != nil {
		t.Fatal(err)
	}
	for _, write := range written {
		t.Error(write)
	}
	t.Logf("counted separately: %v", apart)
	if apart["update leases"] == 0 {
		t.Error("the audit log does not contain renewals of the operator's Lease: these are not its requests")
	}
}

// quiet succeeds when the operator has not written for a while: Events are sent after the status that a test sees.
func quiet(context.Context) error {
	written, _, err := operatorWrites(time.Now().Add(-5 * time.Second))
	if len(written) > 0 {
		err = fmt.Errorf("the operator is still writing: %q", written)
	}
	return err
}

// operatorWrites returns the operator's writes since start from kube-apiserver's audit log, and the number of each kind
// of upkeep.
func operatorWrites(start time.Time) (written []string, apart map[string]int, err error) {
	requests, err := operatorRequests()
	if err != nil {
		return nil, nil, err
	}
	apart = map[string]int{}
	for _, request := range requests {
		if !slices.Contains(writes, request.Verb) || request.RequestReceivedTimestamp.Time.Before(start) {
			continue
		}
		resource := path.Join(request.ObjectRef.Resource, request.ObjectRef.Subresource)
		// New transitions create an Event; a patch may only finish a series of Events that other tests have caused.
		if slices.Contains(upkeep, resource) || resource == "events" && request.Verb == "patch" {
			apart[request.Verb+" "+resource]++
			continue
		}
		written = append(written, fmt.Sprintf("%s: %s %s %s/%s", request.RequestReceivedTimestamp.Format(time.TimeOnly),
			request.Verb, resource, request.ObjectRef.Namespace, request.ObjectRef.Name))
	}
	return written, apart, nil
}

func operatorRequests() ([]auditv1.Event, error) {
	return audit.Read(filepath.Dir(kubeconfig), operatorUser)
}
