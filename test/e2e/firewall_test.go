// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Where packets are dropped, in nftables' words.
const (
	// sentByNode are the packets of kube-apiserver, among others. They are still addressed to the Service, not to a Pod.
	sentByNode = "type filter hook output priority raw"
	// sentByPods are addressed to a Pod already.
	sentByPods = "type filter hook forward priority filter"
)

// block drops packets on the node until lift is called, or the test ends. Each blockade has a name of its own.
func block(t *testing.T, name, hook, packets string) (lift func()) {
	t.Helper()
	table := "table ip e2e_" + strings.ReplaceAll(name, "-", "_")
	nft(t, fmt.Sprintf("%s { chain blocked { %s; %s drop; }; }", table, hook, packets))
	lift = func() { nft(t, table+"\ndelete "+table) } // with no error where it is lifted already
	t.Cleanup(lift)
	return lift
}

// nft changes the node's firewall.
func nft(t *testing.T, ruleset string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // also to clean up after a test
	command := program(ctx, "nsenter", "--target", nodeProcess(t), "--net", "nft", "-f", "-")
	command.Stdin = strings.NewReader(ruleset)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", ruleset, err, output)
	}
}

// nodeProcess is the first process of the node, as hack/cluster has recorded it.
func nodeProcess(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(filepath.Dir(kubeconfig), "record.json"))
	if err != nil {
		t.Fatal(err)
	}
	record := struct{ Node struct{ PID int } }{}
	if err := json.Unmarshal(content, &record); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(record.Node.PID)
}
