// SPDX-License-Identifier: Apache-2.0

package storagecheck

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/extensionapi/extensionapi-operator/internal/excerpt"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

// maxResponse is far above what etcd answers, in bytes.
const maxResponse = 64 << 10

// member is a client of one member of etcd, over HTTP: its API has that form, too
// (go.etcd.io/etcd/server/v3 etcdserver/api/etcdhttp, and the gRPC gateway).
type member struct {
	*http.Client
	url string
	// served is the chain of the last handshake, which may outlive its request.
	served atomic.Pointer[[]*x509.Certificate]
}

func newMember(target storage.Target, endpoint storage.Endpoint) *member {
	m := &member{url: "http://" + endpoint.Address}
	dialer := newDialer()
	transport := &http.Transport{
		DisableKeepAlives: true,
		Proxy:             nil,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, endpoint.Dial)
		},
	}
	if endpoint.Protocol == storage.Etcd {
		m.url = "https://" + endpoint.Address
		transport.TLSClientConfig = m.tlsConfig(target)
	}
	m.Client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return m
}

func (m *member) tlsConfig(target storage.Target) *tls.Config {
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(target.Authorities)
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities, VerifyConnection: m.remember}
	if pair, err := tls.X509KeyPair(target.Pair.Certificate, target.Pair.Key); err == nil {
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

func (m *member) remember(state tls.ConnectionState) error {
	m.served.Store(&state.PeerCertificates)
	return nil
}

func etcdAnswer(ctx context.Context, target storage.Target, endpoint storage.Endpoint) storage.Answer {
	m := newMember(target, endpoint)
	alarm, err := m.health(ctx)
	answer := storage.Answer{
		Err: err, Alarm: alarm, Chain: ptr.Deref(m.served.Load(), nil), Defragmented: target.Defragmented,
	}
	if err != nil {
		answer.Chain = append(answer.Chain, unverified(err)...)
	}
	if err == nil && target.Quota > 0 {
		if answer.Defragmented, err = m.maintain(ctx, target); err != nil {
			answer.Alarm = "it could not be maintained: " + err.Error()
		}
	}
	return answer
}

// unverified is the certificate that was served but not accepted.
func unverified(err error) []*x509.Certificate {
	if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return refused.UnverifiedCertificates
	}
	return nil
}

// health returns what the member reports to be wrong with itself.
func (m *member) health(ctx context.Context) (alarm string, err error) {
	var health struct{ Health, Reason string }
	status, err := m.do(ctx, timeout, http.MethodGet, "/health", nil, &health)
	switch {
	case err != nil:
		return "", err
	case health.Health == "true":
		return "", nil
	case health.Reason != "":
		return excerpt.Quote(health.Reason), nil
	default:
		return "", fmt.Errorf("GET /health: HTTP %d", status)
	}
}

// do sends a request, and decodes its response in JSON.
func (m *member) do(
	ctx context.Context, within time.Duration, method, path string, body, into any,
) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, method, m.url+path, bytes.NewReader(encoded))
	if err != nil {
		return 0, err
	}
	response, err := m.Do(request)
	if err != nil {
		return 0, cause(err, within)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err != nil {
		return 0, err
	}
	if json.Unmarshal(content, into) != nil {
		// The content is not quoted: it may be of any server that the operator reaches, and the author does not.
		return response.StatusCode, fmt.Errorf("%s: HTTP %d, and not in the JSON of etcd", path, response.StatusCode)
	}
	return response.StatusCode, nil
}

// maintain defragments a member where that is worth it, and lets one write again that was full. It returns when the
// member was last defragmented.
func (m *member) maintain(ctx context.Context, target storage.Target) (defragmented time.Time, err error) {
	usage, memberID, err := m.usage(ctx)
	if err != nil {
		return target.Defragmented, err
	}
	defragmented, quota := target.Defragmented, target.Quota
	logger := log.FromContext(ctx).WithValues("etcd", m.url)
	if usage.NeedsDefragmentation(quota) || usage.MayHaveSpace(target.Now.Sub(defragmented)) {
		defragmented = target.Now
		if err := m.post(ctx, defragTimeout, "/v3/maintenance/defragment", struct{}{}, &struct{}{}); err != nil {
			return defragmented, err
		}
		before := usage.Size
		if usage, memberID, err = m.usage(ctx); err != nil {
			return defragmented, err
		}
		logger.Info("Defragmented", "before", before, "after", usage.Size)
	}
	if !usage.MayWrite(quota) {
		return defragmented, nil
	}
	disarm := map[string]string{"action": "DEACTIVATE", "memberID": memberID, "alarm": "NOSPACE"}
	if err := m.post(ctx, timeout, "/v3/maintenance/alarm", disarm, &struct{}{}); err != nil {
		return defragmented, err
	}
	logger.Info("Full no more, and may be written to again")
	return defragmented, nil
}

func (m *member) usage(ctx context.Context) (usage storage.Usage, memberID string, err error) {
	var status struct {
		Header struct {
			MemberID string `json:"member_id"`
		}
		DBSize      json.Number `json:"dbSize"`
		DBSizeInUse json.Number `json:"dbSizeInUse"`
		Errors      []string
	}
	if err := m.post(ctx, timeout, "/v3/maintenance/status", struct{}{}, &status); err != nil {
		return usage, "", err
	}
	usage.Size, _ = status.DBSize.Int64()
	usage.InUse, _ = status.DBSizeInUse.Int64()
	for _, message := range status.Errors {
		usage.Full = usage.Full || bytes.Contains([]byte(message), []byte("NOSPACE"))
	}
	return usage, status.Header.MemberID, nil
}

func (m *member) post(ctx context.Context, within time.Duration, path string, body, into any) error {
	status, err := m.do(ctx, within, http.MethodPost, path, body, into)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: HTTP %d", path, status)
	}
	return err
}

// cause is an error without the URL, which is known, and stable while the cause is the same.
func cause(err error, within time.Duration) error {
	if call, ok := errors.AsType[*os.SyscallError](err); ok && call.Syscall == "connect" {
		return errors.New("dial: " + call.Err.Error())
	}
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "dial" {
		return errors.New("dial: " + excerpt.Quote(network.Err.Error()))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no response within %s", within)
	}
	if wrapped := errors.Unwrap(err); wrapped != nil {
		return wrapped
	}
	return err
}
