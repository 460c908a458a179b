// SPDX-License-Identifier: Apache-2.0

package discovery

import "time"

// wordsKept is how long a failure that goes on keeps its words: what is written to status must not be other words each
// time only because the server uses others, such as the number of a request, or a new certificate for each handshake.
const wordsKept = time.Minute

// keepWords gives a failure the words of the last one, when that was of the same kind and its words are not old.
func (h *history) keepWords(sample *Sample, at time.Time) {
	if sample.Err != nil && compareKinds(h.last, *sample) == 0 && at.Sub(h.worded) < wordsKept {
		sample.Err = h.last.Err
		return
	}
	h.worded = at
}
