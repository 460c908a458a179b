// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/extensionapi/extensionapi-operator/internal/finding"
)

// Outcome is what came of executing a plan.
type Outcome struct {
	// DryRun reports whether nothing was changed, since spec.suspend is true, and Withheld what would have been.
	DryRun   bool
	Withheld []string
	// Certificates is why the certificates were not stored, and Stored whether they were.
	Certificates finding.Finding
	Stored       bool
	// Storage is why what the storage needs was not applied.
	Storage finding.Finding
	// Server is what became of the server.
	Server Applied
	// Controllers are what became of each that was applied, by the names of their Deployments.
	Controllers map[string]Applied
	// Monitoring is why the server's metrics are not scraped.
	Monitoring finding.Finding
	// GroupVersions are those of the plan, with what became of them.
	GroupVersions []GroupVersion
	// Counting are the group-versions that are unregistered as soon as their objects have been counted.
	Counting []string
	Notes    []finding.Note
	// Retry is when to try again what was not done, 0 for never.
	Retry time.Duration
	// Failed are the parts that failed for reasons that no user can do anything about: what they are about is unknown.
	Failed Failures
}

// Applied is what became of a workload.
type Applied struct {
	// Refused is why it was not applied, and Generation that of its Deployment.
	Refused    finding.Finding
	Generation int64
}

// Failures are the errors of parts of a plan.
type Failures struct {
	Certificates, Storage, Server, Controllers, Monitoring, Registration, Ejection, Documents error
}

// Err joins them.
func (f Failures) Err() error {
	return errors.Join(
		f.Certificates, f.Storage, f.Server, f.Controllers, f.Monitoring, f.Registration, f.Ejection, f.Documents)
}

// conflictRetry is longer than a cache takes to catch up.
const conflictRetry = time.Second

// WithoutConflicts returns when to retry because of a conflict in an error, 0 where there is none, and the error
// without it: an object was read from an outdated cache. The event that updates the cache brings the next
// reconciliation, too.
func WithoutConflicts(err error) (retry time.Duration, remaining error) {
	joined, isJoined := err.(interface{ Unwrap() []error })
	if !isJoined {
		if apierrors.IsConflict(err) {
			return conflictRetry, nil
		}
		return 0, err
	}
	var errs []error
	for _, each := range joined.Unwrap() {
		again, left := WithoutConflicts(each)
		retry, errs = Soonest(retry, again), append(errs, left)
	}
	return retry, errors.Join(errs...)
}

// After asks for another attempt; the soonest wins.
func (o *Outcome) After(delay time.Duration) { o.Retry = Soonest(o.Retry, delay) }
