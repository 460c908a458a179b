// SPDX-License-Identifier: Apache-2.0

package limits

import "net/http"

const (
	// headerBytes is the length of the headers of an answer. Go's default is 10 MiB.
	headerBytes = 64 << 10
	// streamBuffer and connectionBuffer are how much HTTP/2 servers may send before it is read, for one request and for
	// all of a connection. Go's defaults are 4 MiB and 1 GiB.
	streamBuffer     = 128 << 10
	connectionBuffer = 1 << 20
	// frameBytes is the length of one HTTP/2 frame, which is read into memory. Smaller is not allowed.
	frameBytes = 16 << 10
)

// Bound limits what a server can have an unused transport keep in memory. Nothing is decompressed, since some kilobytes
// may expand to gigabytes.
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
