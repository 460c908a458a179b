// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/oauth2"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
// discovery. A server could replay a token, so it must not be the operator's own.
func TokenOf(ctx context.Context, c client.Client, serviceAccount client.ObjectKey) Token {
	source := oauth2.ReuseTokenSourceWithExpiry(nil, &tokenRequester{ctx, c, serviceAccount}, tokenRenewBefore)
	return func(context.Context) (string, error) {
		token, err := source.Token()
		if err != nil {
			return "", err
		}
		return token.AccessToken, nil
	}
}

// tokenRequester implements oauth2.TokenSource, which has no context of its own.
type tokenRequester struct {
	ctx            context.Context //nolint:containedctx // oauth2.TokenSource is not given one
	client         client.Client
	serviceAccount client.ObjectKey
}

func (t *tokenRequester) Token() (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(t.ctx, tokenTimeout)
	defer cancel()
	account := &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.serviceAccount.Namespace, Name: t.serviceAccount.Name},
	}
	request := &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(tokenLifetime.Seconds()))},
	}
	if err := t.client.SubResource("token").Create(ctx, account, request); err != nil {
		return nil, fmt.Errorf("no token for probing (ServiceAccount %s): %w", t.serviceAccount, err)
	}
	return &oauth2.Token{AccessToken: request.Status.Token, Expiry: request.Status.ExpirationTimestamp.Time}, nil
}
