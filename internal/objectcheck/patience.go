// SPDX-License-Identifier: Apache-2.0

package objectcheck

import "time"

// Patience is how long a check waits for a server.
type Patience struct {
	// Server bounds the check of one server.
	Server time.Duration
	// Answer bounds one request but for a watch.
	Answer time.Duration
	// Bookmark is how long a watch may send nothing before its bookmark.
	Bookmark time.Duration
	// Watch bounds a watch that goes on sending objects: its server ignores the selector.
	Watch time.Duration
	// Pause is before the second attempt, after an answer that may be of a Pod that is being replaced, or of a
	// kube-apiserver that has not heard of the APIService yet.
	Pause time.Duration
}

// Background is for the operator: nobody waits for the result.
func Background() Patience {
	return Patience{
		Server: 5 * time.Minute, Answer: 30 * time.Second, Bookmark: 10 * time.Second, Watch: time.Minute,
		Pause: 2 * time.Second,
	}
}

// Interactive is for a user who waits for the result. It is still longer than kube-apiserver waits for discovery.
func Interactive() Patience {
	return Patience{
		Server: time.Minute, Answer: 10 * time.Second, Bookmark: 6 * time.Second, Watch: 14 * time.Second,
		Pause: time.Second,
	}
}
