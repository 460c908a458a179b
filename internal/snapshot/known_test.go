// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"errors"
	"testing"
)

func TestAValueIsKnownOnlyOnceItHasBeenRead(t *testing.T) {
	failed := errors.New("connection refused")
	for name, test := range map[string]struct {
		known  Known[string]
		value  string
		isRead bool
		err    error
	}{
		"not read":                {Known[string]{}, "", false, nil},
		"read":                    {Of("a", nil), "a", true, nil},
		"read, and empty":         {Of("", nil), "", true, nil},
		"it could not be read":    {Of("", failed), "", false, failed},
		"it was read only partly": {Of("a", failed), "", false, failed},
	} {
		t.Run(name, func(t *testing.T) {
			value, known := test.known.Get()
			if value != test.value || test.known.Value() != test.value {
				t.Errorf("the value is %q or %q, want %q", value, test.known.Value(), test.value)
			}
			if known != test.isRead || test.known.IsKnown() != test.isRead {
				t.Errorf("it is known: %t or %t", known, test.known.IsKnown())
			}
			if got := test.known.Err(); !errors.Is(got, test.err) || (got == nil) != (test.err == nil) {
				t.Errorf("it is unknown because of %v, want %v", got, test.err)
			}
		})
	}
}

func TestErrorsOfWhatCouldNotBeReadAreJoined(t *testing.T) {
	s := &Snapshot{Namespace: Of(Active, nil)}
	if err := s.Err(); err != nil {
		t.Errorf("what was not read is an error: %v", err)
	}
	first, second := errors.New("first"), errors.New("second")
	s.Server, s.Certificates = Of(Workload{}, first), Of(Certificates{}, second)
	if err := s.Err(); !errors.Is(err, first) || !errors.Is(err, second) {
		t.Errorf("the error is %v", err)
	}
}

func TestANamespaceIsActiveOnlyIfItIsKnownToBe(t *testing.T) {
	for name, test := range map[string]struct {
		namespace Known[Namespace]
		want      bool
	}{
		"unknown":     {Known[Namespace]{}, false},
		"active":      {Of(Active, nil), true},
		"terminating": {Of(Terminating, nil), false},
		"missing":     {Of(Missing, nil), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Snapshot{Namespace: test.namespace}
			if got := s.IsActive(); got != test.want {
				t.Errorf("it is active: %t", got)
			}
		})
	}
}
