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

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

const (
	// tokenLifetime is the shortest that kube-apiserver issues (k8s.io/kubernetes pkg/apis/authentication/validation).
	tokenLifetime = 10 * time.Minute
	// tokenRenewBefore leaves time to renew while kube-apiserver is unavailable.
	tokenRenewBefore = 5 * time.Minute
	// tokenTimeout bounds one request for a token.
	tokenTimeout = 10 * time.Second
)

// TokensOf returns short-lived tokens of a ServiceAccount, which needs no permissions: every authenticated user may
// read discovery. A server could replay a token, so it must not be the operator's own. The tokens are bound to the
// Secret of the same name, whose deletion revokes them all, and have kube-apiserver's default audience: servers do not
// review them for any other (k8s.io/apiserver plugin/pkg/authenticator/token/webhook). Tokens are requested until ctx
// is done.
func TokensOf(ctx context.Context, c client.Client, clk clock.PassiveClock, serviceAccount client.ObjectKey) Tokens {
	return &tokenSource{clock: clk, request: func() (*authenticationv1.TokenRequest, error) {
		return requestToken(ctx, c, serviceAccount)
	}}
}

// tokenSource caches the last token, and renews it before it expires.
type tokenSource struct {
	clock   clock.PassiveClock
	request func() (*authenticationv1.TokenRequest, error)
	// renewing shares one request among all callers that wait for a token.
	renewing singleflight.Group

	mu    sync.Mutex
	value string
	until time.Time
	// tried is when a token was last requested, and failure is the error of that request.
	tried   time.Time
	failure error
}

// Token returns the cached token as long as it is valid, however long its renewal takes.
func (s *tokenSource) Token(ctx context.Context) (string, error) {
	value, left := s.current()
	if left > tokenRenewBefore {
		return value, nil
	}
	renewed := s.renewing.DoChan("", s.renew)
	if left > 0 {
		return value, nil
	}
	return await(ctx, renewed)
}

// Replace renews a token that was rejected, unless that was tried only just before: then the server rejects any token,
// or no token can be issued.
func (s *tokenSource) Replace(ctx context.Context, refused string) (string, error) {
	if value, final, err := s.replaced(refused); final {
		return value, err
	}
	return await(ctx, s.renewing.DoChan("", s.renew))
}

func (s *tokenSource) replaced(refused string) (value string, final bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value != refused {
		return s.value, true, nil
	}
	return s.value, s.clock.Since(s.tried) < limits.TokenRetry, s.failure
}

func await(ctx context.Context, renewed <-chan singleflight.Result) (string, error) {
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

func (s *tokenSource) renew() (any, error) {
	request, err := s.request()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried, s.failure = s.clock.Now(), err
	if err != nil {
		return "", err
	}
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
		Spec: authenticationv1.TokenRequestSpec{
			ExpirationSeconds: new(int64(tokenLifetime.Seconds())),
			BoundObjectRef: &authenticationv1.BoundObjectReference{
				APIVersion: "v1", Kind: "Secret", Name: serviceAccount.Name,
			},
		},
	}
	if err := c.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("cannot get a token for probing (ServiceAccount %s): %w", serviceAccount, err)
	}
	return request, nil
}
