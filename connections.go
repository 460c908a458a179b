// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"time"
)

// silentFor is how long nothing has arrived on a connection to kube-apiserver when it is sent a ping, and then how long
// the response may take before the connection is closed. By default that takes 45 s in all, for which a replica that is
// connected to a kube-apiserver that hangs neither leads nor measures nor deletes, although others are healthy.
const silentFor = 3 * time.Second

// pingVariables are client-go's for both durations, in seconds (k8s.io/apimachinery pkg/util/net/http.go).
var pingVariables = []string{"HTTP2_READ_IDLE_TIMEOUT_SECONDS", "HTTP2_PING_TIMEOUT_SECONDS"}

// noticeHungKubeAPIServers has every client that is created from now on close connections that hang. Variables that are
// set already take precedence.
func noticeHungKubeAPIServers() {
	for _, variable := range pingVariables {
		if _, isSet := os.LookupEnv(variable); !isSet {
			_ = os.Setenv(variable, strconv.Itoa(int(silentFor/time.Second))) // neither is invalid
		}
	}
}
