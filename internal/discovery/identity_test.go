// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/extensionapi/extensionapi-operator/internal/limits"
)

// issuer issues tokens named after the time of their issue, unless it is unavailable.
type issuer struct {
	clock       clock.Clock
	start       time.Time
	unavailable bool
	issued      int
}

func (i *issuer) request() (*authenticationv1.TokenRequest, error) {
	if i.unavailable {
		return nil, errors.New("kube-apiserver is unavailable")
	}
	i.issued++
	now := i.clock.Now()
	return &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{
		Token: now.Sub(i.start).String(), ExpirationTimestamp: metav1.NewTime(now.Add(tokenLifetime)),
	}}, nil
}

func TestTokensAreRenewedBeforeExpiryAndUsedWhileValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := &issuer{clock: clock.RealClock{}, start: time.Now()}
		source := &tokenSource{clock: issuer.clock, request: issuer.request}
		expect := func(after time.Duration, want string) {
			t.Helper()
			<-time.After(time.Until(issuer.start.Add(after)))
			got, err := source.Token(t.Context())
			synctest.Wait()
			if got != want || (err != nil) != (want == "") {
				t.Errorf("after %s: %q (%v), want %q", after, got, err, want)
			}
		}
		expect(0, "0s")
		expect(4*time.Minute, "0s")
		issuer.unavailable = true
		expect(8*time.Minute, "0s")
		expect(11*time.Minute, "")
		issuer.unavailable = false
		expect(12*time.Minute, "12m0s")
		expect(18*time.Minute, "12m0s") // and it is renewed in the background
		expect(19*time.Minute, "18m0s")
		if issuer.issued != 3 {
			t.Errorf("%d tokens were issued", issuer.issued)
		}
	})
}

func TestRejectedTokensAreReplacedUnlessNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := &issuer{clock: clock.RealClock{}, start: time.Now()}
		source := &tokenSource{clock: issuer.clock, request: issuer.request}
		expect := func(after time.Duration, refused, want string) {
			t.Helper()
			<-time.After(time.Until(issuer.start.Add(after)))
			got, err := source.Replace(t.Context(), refused)
			if err == nil && got != want || (err != nil) != (want == "") {
				t.Errorf("after %s: %q replaced %q (%v), want %q", after, got, refused, err, want)
			}
		}
		if _, err := source.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		expect(limits.TokenRetry/2, "0s", "0s")
		expect(30*time.Second, "0s", "30s")
		expect(31*time.Second, "0s", "30s") // by another writer
		issuer.unavailable = true
		expect(time.Minute, "30s", "")
		issuer.unavailable = false
		expect(time.Minute+limits.TokenRetry/2, "30s", "")
		expect(2*time.Minute, "30s", "2m0s")
		if issuer.issued != 3 {
			t.Errorf("%d tokens were issued", issuer.issued)
		}
	})
}

func TestWaitingForATokenStopsWhenTheContextIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		source := &tokenSource{clock: clock.RealClock{}, request: func() (*authenticationv1.TokenRequest, error) {
			<-answer
			return &authenticationv1.TokenRequest{}, nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := source.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(answer)
	})
}
