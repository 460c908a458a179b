// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/finding"
	"github.com/extensionapi/extensionapi-operator/internal/report"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func scopeOf(generation int64) *scope {
	s := newScope(&v1alpha1.ExtensionAPI{Spec: v1alpha1.ExtensionAPISpec{Server: &v1alpha1.Server{}}})
	s.Generation = generation
	return s
}

func concludeAll(s *scope, v finding.Finding) {
	for _, conditionType := range report.Found() {
		s.conclude(conditionType, v)
	}
}

func statusOf(s *scope, conditionType string) metav1.ConditionStatus {
	return meta.FindStatusCondition(s.Status.Conditions, conditionType).Status
}
