// SPDX-License-Identifier: Apache-2.0

// Package etcdmember is a client of one member of etcd for tests, through the HTTP gateway of its API.
package etcdmember

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Member is a client of one member.
type Member struct {
	URL string
	*http.Client
}

// Put writes a key.
func (m Member) Put(ctx context.Context, key string, value []byte) error {
	return m.Call(ctx, "/v3/kv/put", map[string][]byte{"key": []byte(key), "value": value}, nil)
}

// Fill writes keys with a prefix until etcd refuses that, and fails if it accepts twice the quota, in bytes.
func (m Member) Fill(ctx context.Context, prefix string, quota int) error {
	value, accepted := bytes.Repeat([]byte("x"), 1<<20), 0
	for accepted <= 2*quota && m.Put(ctx, fmt.Sprint(prefix, accepted), value) == nil {
		accepted += len(value)
	}
	if accepted > 2*quota {
		return fmt.Errorf("an etcd with a quota of %d bytes is not full", quota)
	}
	return nil
}

// Delete deletes all keys with a prefix, and returns the revision of that.
func (m Member) Delete(ctx context.Context, prefix string) (revision string, err error) {
	end := []byte(prefix)
	end[len(end)-1]++
	var deleted struct{ Header struct{ Revision string } }
	err = m.Call(ctx, "/v3/kv/deleterange", map[string][]byte{"key": []byte(prefix), "range_end": end}, &deleted)
	return deleted.Header.Revision, err
}

// Compact drops what was replaced or deleted up to a revision.
func (m Member) Compact(ctx context.Context, revision string) error {
	return m.Call(ctx, "/v3/kv/compaction", map[string]any{"revision": revision, "physical": true}, nil)
}

// Maintain defragments the member, and ends the alarms of all members, as etcdctl alarm disarm does.
func (m Member) Maintain(ctx context.Context) error {
	const path = "/v3/maintenance/alarm"
	var raised struct {
		Alarms []struct{ MemberID, Alarm string }
	}
	err := errors.Join(m.Call(ctx, "/v3/maintenance/defragment", struct{}{}, nil),
		m.Call(ctx, path, map[string]string{"action": "GET"}, &raised))
	for _, alarm := range raised.Alarms {
		err = errors.Join(err, m.Call(ctx, path,
			map[string]string{"action": "DEACTIVATE", "alarm": alarm.Alarm, "memberID": alarm.MemberID}, nil))
	}
	return err
}

// Call sends a request, and decodes its response unless into is nil.
func (m Member) Call(ctx context.Context, path string, body, into any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	response, err := m.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", path, response.Status, content)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(content, into)
}
