// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	tokenLifetime = time.Hour
	// tokenRenewBefore leaves time to renew while kube-apiserver is away.
	tokenRenewBefore = 10 * time.Minute
	// tokenTimeout bounds one request for a token.
	tokenTimeout = 10 * time.Second
)

// TokenOf returns short-lived tokens of a ServiceAccount, which needs no rights: every authenticated user may read
// discovery. A server could replay a token, so it must not be the operator's own. Tokens are requested until ctx ends.
func TokenOf(ctx context.Context, c client.Client, clk clock.PassiveClock, serviceAccount client.ObjectKey) Token {
	source := &tokenSource{clock: clk, request: func() (*authenticationv1.TokenRequest, error) {
		return requestToken(ctx, c, serviceAccount)
	}}
	return source.token
}

// tokenSource keeps the last token, and renews it before it expires.
type tokenSource struct {
	clock   clock.PassiveClock
	request func() (*authenticationv1.TokenRequest, error)
	// renewing has everybody who needs a token wait for one and the same request.
	renewing singleflight.Group

	mu    sync.Mutex
	value string
	until time.Time
}

// token returns the token that is there as long as it is good, however long it takes to renew it.
func (s *tokenSource) token(ctx context.Context) (string, error) {
	value, left := s.current()
	if left > tokenRenewBefore {
		return value, nil
	}
	renewed := s.renewing.DoChan("", func() (any, error) { return s.renew() })
	if left > 0 {
		return value, nil
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case result := <-renewed:
		value, _ := result.Val.(string)
		return value, result.Err
	}
}

func (s *tokenSource) current() (value string, left time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value, s.until.Sub(s.clock.Now())
}

func (s *tokenSource) renew() (string, error) {
	request, err := s.request()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.until = request.Status.Token, request.Status.ExpirationTimestamp.Time
	return s.value, nil
}

func requestToken(
	ctx context.Context, c client.Client, serviceAccount client.ObjectKey,
) (*authenticationv1.TokenRequest, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	account := &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: serviceAccount.Namespace, Name: serviceAccount.Name},
	}
	request := &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(tokenLifetime.Seconds()))},
	}
	if err := c.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("no token for probing (ServiceAccount %s): %w", serviceAccount, err)
	}
	return request, nil
}
