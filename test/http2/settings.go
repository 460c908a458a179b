// SPDX-License-Identifier: Apache-2.0

// Package http2 captures the HTTP/2 settings that a client sends, which limit what a server may send.
package http2

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

// Setting is a parameter of HTTP/2 (RFC 9113, section 6.5.2).
type Setting uint16

// The limits that a client sets for a server, in bytes.
const (
	// InitialWindowSize limits how much of a response is sent before the client reads it.
	InitialWindowSize Setting = 4
	// MaxFrameSize limits the payload of a frame.
	MaxFrameSize Setting = 5
	// MaxHeaderListSize limits the size of the headers of a response.
	MaxHeaderListSize Setting = 6
)

// A connection begins with a preface and a SETTINGS frame (RFC 9113, sections 3.4 and 4.1).
const (
	prefaceBytes     = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	frameHeaderBytes = 9
	settingBytes     = 6
)

// AllowedBy returns the settings that a client sends to a server that never responds.
func AllowedBy(t *testing.T, clientOf func(*httptest.Server) *http.Client) map[Setting]uint32 {
	t.Helper()
	received := make(chan map[Setting]uint32, 1)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, connection *tls.Conn, _ http.Handler) { received <- settingsFrom(connection) },
	}
	server.StartTLS()
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := clientOf(server).Do(request); err == nil {
		_ = response.Body.Close()
	}
	select {
	case settings := <-received:
		return settings
	default:
		t.Fatal("the client does not speak HTTP/2")
		return nil
	}
}

// settingsFrom returns the settings that have constants above, and nil when the connection breaks.
func settingsFrom(connection io.Reader) map[Setting]uint32 {
	beginning := make([]byte, prefaceBytes+frameHeaderBytes)
	if _, err := io.ReadFull(connection, beginning); err != nil {
		return nil
	}
	header := beginning[prefaceBytes:]
	payload := make([]byte, int(header[0])<<16|int(header[1])<<8|int(header[2]))
	if _, err := io.ReadFull(connection, payload); err != nil {
		return nil
	}
	settings := map[Setting]uint32{}
	for setting := range slices.Chunk(payload, settingBytes) {
		switch name := Setting(binary.BigEndian.Uint16(setting)); name {
		case InitialWindowSize, MaxFrameSize, MaxHeaderListSize:
			settings[name] = binary.BigEndian.Uint32(setting[2:])
		}
	}
	return settings
}
