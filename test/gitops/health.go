// SPDX-License-Identifier: Apache-2.0

// Package gitops computes what GitOps tools conclude from the status of an object: Argo CD with a health check in Lua,
// Flux and Helm with kstatus.
package gitops

import (
	"fmt"
	"os"
	"path/filepath"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Checks is the directory of the health check, in the repository, laid out as in Argo CD's own.
const Checks = "integrations/argocd/resource_customizations/aggregation.extensionapi.dev/ExtensionAPI"

// Health is what a health check of Argo CD returns.
type Health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// ReadScript returns the health check, given the root of the repository.
func ReadScript(repository string) (string, error) {
	file := filepath.Join(repository, Checks, "health.lua")
	script, err := os.ReadFile(file) //nolint:gosec // a file of the repository
	return string(script), err
}

// HealthOf runs a health check as Argo CD does for one in argocd-cm: without Lua's standard libraries, apart from base
// and table (util/lua/lua.go).
func HealthOf(object *unstructured.Unstructured, script string) (Health, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		opened := lua.P{Fn: state.NewFunction(open), Protect: true}
		if err := state.CallByParam(opened, lua.LString(name)); err != nil {
			return Health{}, err
		}
	}
	state.SetGlobal("obj", toLua(state, object.Object))
	if err := state.DoString(script); err != nil {
		return Health{}, err
	}
	result, isTable := state.Get(-1).(*lua.LTable)
	if !isTable {
		return Health{}, fmt.Errorf("the health check returned %s, want a table", state.Get(-1).Type())
	}
	return Health{
		Status: lua.LVAsString(result.RawGetString("status")), Message: lua.LVAsString(result.RawGetString("message")),
	}, nil
}

// toLua converts a value of an unstructured object.
func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		list := state.NewTable()
		for _, item := range value {
			list.Append(toLua(state, item))
		}
		return list
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}
