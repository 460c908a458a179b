// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

const (
	quietFor     = 5 * time.Minute
	operatorUser = "system:serviceaccount:" + operatorNamespace + ":" + operatorName
)

var (
	writes = []string{"create", "update", "patch", "delete", "deletecollection"}
	// upkeep are writes to nothing that the operator is for: who leads, whether a client may read the metrics, and the
	// tokens that probes carry. They are counted apart.
	upkeep = []string{"leases", "tokenreviews", "subjectaccessreviews", "serviceaccounts/token"}
)

func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	extensionAPI := wardle(t, sampleNamespace)
	create(t, extensionAPI)
	eventually(t, time.Minute, ready(extensionAPI))
	eventually(t, time.Minute, measured(extensionAPI))

	progress("Counting the operator's write requests for %s", quietFor)
	start := time.Now()
	select {
	case <-t.Context().Done():
	case <-time.After(quietFor):
	}
	apart := map[string]int{}
	for _, event := range operatorWrites(t, start) {
		resource := event.ObjectRef.Resource
		if event.ObjectRef.Subresource != "" {
			resource += "/" + event.ObjectRef.Subresource
		}
		if slices.Contains(upkeep, resource) {
			apart[event.Verb+" "+resource]++
			continue
		}
		t.Errorf("%s: %s %s %s/%s", event.RequestReceivedTimestamp.Format(time.TimeOnly), event.Verb, resource,
			event.ObjectRef.Namespace, event.ObjectRef.Name)
	}
	t.Logf("counted apart: %v", apart)
	if apart["update leases"] == 0 {
		t.Error("the audit log does not even show that the operator renews its Lease: these are not its requests")
	}
}

// operatorWrites reads the operator's write requests since start from the kube-apiserver's audit log.
func operatorWrites(t *testing.T, start time.Time) []auditv1.Event {
	t.Helper()
	// When it grows too big, the log goes on in a new file.
	files, err := filepath.Glob(filepath.Join(filepath.Dir(kubeconfig), "audit*.log"))
	if err != nil {
		t.Fatal(err)
	}
	var result []auditv1.Event
	for _, file := range files {
		events, err := readAuditLog(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, event := range events {
			if slices.Contains(writes, event.Verb) && event.RequestReceivedTimestamp.After(start) {
				result = append(result, event)
			}
		}
	}
	return result
}

// readAuditLog returns the operator's requests. What is being written when it reads is left out.
func readAuditLog(file string) ([]auditv1.Event, error) {
	log, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	var events []auditv1.Event
	for lines := bufio.NewReader(log); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(line, []byte(operatorUser)) {
			continue
		}
		event := auditv1.Event{}
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, err
		}
		if event.User.Username == operatorUser && event.ObjectRef != nil {
			events = append(events, event)
		}
	}
}
