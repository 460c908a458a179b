// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"os"
	"testing"
	"time"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

func TestConnectionsToAHungKubeAPIServerAreClosedBeforeTheLeaseIsLost(t *testing.T) {
	if noticed := 2 * silentFor; noticed >= renewDeadline {
		t.Errorf("a connection that hangs is closed after %s, and the leader gives up after %s", noticed, renewDeadline)
	}
	for _, variable := range pingVariables {
		t.Setenv(variable, "") // restores it when the test ends
		if err := os.Unsetenv(variable); err != nil {
			t.Fatal(err)
		}
	}
	noticeHungKubeAPIServers()
	for _, variable := range pingVariables {
		if got, err := time.ParseDuration(os.Getenv(variable) + "s"); err != nil || got != silentFor {
			t.Errorf("%s is %s, error %v", variable, got, err)
		}
	}
}

func TestPingsThatAreConfiguredStay(t *testing.T) {
	for _, variable := range pingVariables {
		t.Setenv(variable, "7")
	}
	noticeHungKubeAPIServers()
	for _, variable := range pingVariables {
		if got := os.Getenv(variable); got != "7" {
			t.Errorf("%s is %q", variable, got)
		}
	}
	utilnet.SetTransportDefaults(&http.Transport{}) // reads them, and would log what it does not understand
}
