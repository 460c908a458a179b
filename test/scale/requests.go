// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// probes is what a request of the prober is counted as.
const probes = "probes through kube-apiserver"

// requests are numbers of requests, by verb and resource.
type requests map[string]int

// auditEvent is the part of an audit.k8s.io/v1 Event that is counted.
type auditEvent struct {
	Verb string `json:"verb"`
	User struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	RequestURI string    `json:"requestURI"`
	Received   time.Time `json:"requestReceivedTimestamp"`
}

func (e auditEvent) name() string {
	switch {
	case e.User.Username == proberUser:
		return probes
	case e.ObjectRef.Resource == "" && strings.HasPrefix(e.RequestURI, "/apis/"):
		return e.Verb + " /apis/GROUP/VERSION"
	case e.ObjectRef.Resource == "":
		return e.Verb + " " + e.RequestURI
	case e.ObjectRef.Subresource != "":
		return e.Verb + " " + e.ObjectRef.Resource + "/" + e.ObjectRef.Subresource
	default:
		return e.Verb + " " + e.ObjectRef.Resource
	}
}

// requestsBetween counts the requests of the operator and of its prober that kube-apiserver received in that time.
func (p *controlPlane) requestsBetween(ctx context.Context, from, to time.Time) (requests, error) {
	if !pause(ctx, auditDelay) {
		return nil, ctx.Err()
	}
	log, err := os.Open(filepath.Join(p.dir, "audit.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	counted := requests{}
	decoder := json.NewDecoder(bufio.NewReader(log))
	for {
		event := auditEvent{}
		switch err := decoder.Decode(&event); {
		case errors.Is(err, io.EOF):
			return counted, nil
		case err != nil:
			return nil, err
		}
		if !event.Received.Before(from) && event.Received.Before(to) {
			counted[event.name()]++
		}
	}
}

func (r requests) total() (total int) {
	for name, number := range r {
		if name != probes {
			total += number
		}
	}
	return total
}
