// SPDX-License-Identifier: Apache-2.0

package skeleton

// versions are the modules and tools that a new project begins with. A test compares them with those of this
// repository.
type versions struct {
	Go, Kubernetes, ControllerRuntime, ControllerTools, GolangciLint, Crane string
}

var current = versions{
	Go:                "1.26.0",
	Kubernetes:        "v0.37.2",
	ControllerRuntime: "v0.25.2",
	ControllerTools:   "v0.23.0",
	GolangciLint:      "v2.15.0",
	Crane:             "v0.22.1",
}
