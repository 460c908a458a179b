// SPDX-License-Identifier: Apache-2.0

package objects

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Result is what came of one check of a server.
type Result struct {
	// Problems are what is wrong, the worst first.
	Problems []Problem
	// Denied are resources that the operator is not permitted to list and watch.
	Denied []Resource
	// Checked is the number of resources whose objects were requested, and Left that of resources beyond the limit.
	Checked, Left int
	// Empty are group-versions without any resource.
	Empty []schema.GroupVersion
	// Requested is when everything was last requested: while all that is missing is a permission, only that is looked up.
	Requested time.Time
	// Err is why something could not be looked at, nil if everything was.
	Err error
}

// Add adds what was found of a part of the server.
func (r *Result) Add(other Result) {
	r.Problems = append(r.Problems, other.Problems...)
	r.Denied = append(r.Denied, other.Denied...)
	r.Checked += other.Checked
	r.Left += other.Left
	r.Empty = append(r.Empty, other.Empty...)
	r.Err = errors.Join(r.Err, other.Err)
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return cmp.Compare(b.Affected, a.Affected) })
}

// LacksOnlyPermission reports whether nothing but the permission to read resources is in the way.
func (r *Result) LacksOnlyPermission() bool {
	return len(r.Problems) == 0 && len(r.Denied) > 0 && r.Err == nil
}

// IsGood reports whether everything was looked at, and nothing is wrong.
func (r *Result) IsGood() bool { return len(r.Problems) == 0 && len(r.Denied) == 0 && r.Err == nil }
