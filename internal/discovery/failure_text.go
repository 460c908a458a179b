// SPDX-License-Identifier: Apache-2.0

package discovery

import "time"

// textKeptFor is how long a persistent failure keeps its text: the message in the status must not change only because
// the server's does, which may contain a request ID or, for each handshake, a new certificate.
const textKeptFor = time.Minute

// keepText gives a failure the text of the last one, if that was of the same kind and its text is not too old.
func (h *history) keepText(sample *Sample, at time.Time) {
	if sample.Err != nil && compareKinds(h.last, *sample) == 0 && at.Sub(h.textSince) < textKeptFor {
		sample.Err = h.last.Err
		return
	}
	h.textSince = at
}
