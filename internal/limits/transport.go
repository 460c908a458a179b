// SPDX-License-Identifier: Apache-2.0

package limits

import "net/http"

const (
	// headerBytes is the maximum length of response headers. Go's default is 10 MiB.
	headerBytes = 64 << 10
	// streamBuffer and connectionBuffer are how much an HTTP/2 server may send before it is read, for one request and for
	// a whole connection. Go's defaults are 4 MiB and 1 GiB.
	streamBuffer     = 128 << 10
	connectionBuffer = 1 << 20
	// frameBytes is the maximum length of an HTTP/2 frame, which is read into memory. HTTP/2 does not allow less.
	frameBytes = 16 << 10
)

// Bound limits how much memory a server can make a transport use, which must not have been used yet. Nothing is
// decompressed, since some kilobytes may expand to gigabytes.
func Bound(transport *http.Transport) {
	transport.DisableCompression = true
	transport.MaxResponseHeaderBytes = headerBytes
	if transport.HTTP2 == nil {
		transport.HTTP2 = &http.HTTP2Config{}
	}
	transport.HTTP2.MaxReceiveBufferPerStream = streamBuffer
	transport.HTTP2.MaxReceiveBufferPerConnection = connectionBuffer
	transport.HTTP2.MaxReadFrameSize = frameBytes
}
