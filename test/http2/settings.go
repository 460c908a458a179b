// SPDX-License-Identifier: Apache-2.0

// Package http2 shows what an HTTP/2 client allows a server to send.
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

// What a client allows a server, in bytes.
const (
	// InitialWindowSize is how much is sent of one answer before it is read.
	InitialWindowSize Setting = 4
	// MaxFrameSize is the length of a frame.
	MaxFrameSize Setting = 5
	// MaxHeaderListSize is the length of the headers of an answer.
	MaxHeaderListSize Setting = 6
)

// A connection begins with a preface and a frame of settings (RFC 9113, sections 3.4 and 4.1).
const (
	prefaceBytes     = len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	frameHeaderBytes = 9
	settingBytes     = 6
)

// AllowedBy returns what a client of a server that answers nothing allows it.
func AllowedBy(t *testing.T, clientOf func(*httptest.Server) *http.Client) map[Setting]uint32 {
	t.Helper()
	told := make(chan map[Setting]uint32, 1)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, connection *tls.Conn, _ http.Handler) { told <- settingsFrom(connection) },
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
	case settings := <-told:
		return settings
	default:
		t.Fatal("the client does not speak HTTP/2")
		return nil
	}
}

// settingsFrom returns those that the constants name, and nil when the connection breaks.
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
