// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// servedFor is a certificate that is valid, and accepted, for that long from noon on.
func servedFor(life time.Duration) Served {
	until := noon.Add(life)
	return Served{Chain: []*x509.Certificate{{NotBefore: noon, NotAfter: until}}, Until: until}
}

func TestExpiryIsWarnedOfAFifthOfTheLifeBeforeButNotMonths(t *testing.T) {
	for life, left := range map[time.Duration]time.Duration{
		10 * day: 2 * day, 90 * day: 18 * day, 3650 * day: 30 * day,
	} {
		s := servedFor(life)
		if got := s.Until.Sub(s.Warning()); got != left {
			t.Errorf("of a life of %s, %s are left at the warning, want %s", life, got, left)
		}
		if s.NextWarning(noon) != s.Warning() || s.NextWarning(s.Warning()) != s.Until {
			t.Error("the warning and the end are not reported, one after the other")
		}
	}
}

func TestACertificateThatIsNotRenewedIsDueWhenItWouldHaveBeenRenewedOrIsNearItsEnd(t *testing.T) {
	s := servedFor(90 * day)
	renewedAfter := func(delay time.Duration) Source {
		return Source{Renewal: func(*x509.Certificate) time.Time { return noon.Add(delay) }}
	}
	for name, test := range map[string]struct {
		source Source
		want   time.Time
	}{
		"another owner renews it":   {Source{}, s.Warning()},
		"it would be renewed early": {renewedAfter(60 * day), noon.Add(60 * day)},
		"it would be renewed late":  {renewedAfter(89 * day), s.Warning()},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.source.Due(s); !got.Equal(test.want) {
				t.Errorf("it is due at %s, want %s", got, test.want)
			}
		})
	}
}

func newSigner(t *testing.T) pki.KeyPair {
	t.Helper()
	signer, err := pki.NewSigner("test", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestServedIsAcceptedUntilTheFirstOfItsCertificatesExpires(t *testing.T) {
	signer, other := newSigner(t), newSigner(t)
	serving, err := signer.IssueServing([]string{"a.b.svc"}, noon, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	state := State{Bundle: signer.Certificate, Serving: serving}
	if got := ServedFrom(state, "a.b.svc", noon); !got.Until.Equal(noon.Add(time.Hour)) {
		t.Errorf("accepted until %s", got.Until)
	}
	for why, got := range map[string]Served{
		"under another name":   ServedFrom(state, "c.d.svc", noon),
		"after it has expired": ServedFrom(state, "a.b.svc", noon.Add(time.Hour+time.Second)),
		"by another CA":        ServedFrom(State{Bundle: other.Certificate, Serving: serving}, "a.b.svc", noon),
	} {
		if got.Leaf() == nil || !got.Until.IsZero() {
			t.Errorf("%s it is accepted until %s", why, got.Until)
		}
	}
}

func TestNothingIsServedFromAStateWithoutACertificateThatCanBeRead(t *testing.T) {
	for name, certificate := range map[string][]byte{"none": nil, "damaged": []byte("x")} {
		t.Run(name, func(t *testing.T) {
			got := ServedFrom(State{Serving: pki.KeyPair{Certificate: certificate}}, "a.b.svc", noon)
			if got.Leaf() != nil || !got.Until.IsZero() {
				t.Errorf("served is %+v", got)
			}
		})
	}
}
