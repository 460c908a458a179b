// SPDX-License-Identifier: Apache-2.0

// Package audit evaluates the audit log of kube-apiserver for one user: which of the permissions that RBAC grants were
// used, and which requests RBAC denied.
package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// Read returns the requests of user from the log in dir: audit.log, and the older files that kube-apiserver has
// rotated. A line that is still being written is left out.
func Read(dir, user string) ([]auditv1.Event, error) {
	logs := os.DirFS(dir)
	files, err := fs.Glob(logs, "audit*.log")
	if err != nil {
		return nil, err
	}
	var events []auditv1.Event
	for _, file := range files {
		found, err := readFile(logs, file, user)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		events = append(events, found...)
	}
	return events, nil
}

func readFile(logs fs.FS, file, user string) ([]auditv1.Event, error) {
	log, err := logs.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	var events []auditv1.Event
	for lines := bufio.NewReader(log); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return nil, err
		}
		if !bytes.Contains(line, []byte(user)) { // much faster than decoding
			continue
		}
		event := auditv1.Event{}
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, err
		}
		if event.User.Username == user {
			events = append(events, event)
		}
	}
}
