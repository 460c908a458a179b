// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

const (
	// readInterval is the time between two reads of the Secret, and firstInterval while there is no certificate yet.
	readInterval  = 10 * time.Second
	firstInterval = time.Second
)

// Certificates are what the stand-in serves, and what verifies it. Every replica of the operator reads them from the
// Secret that the leader writes, which is not watched.
type Certificates struct {
	reader  client.Reader
	clock   clock.Clock
	secret  client.ObjectKey
	changed func(context.Context)
	current atomic.Pointer[loaded]
}

type loaded struct {
	certificate *tls.Certificate
	bundle      []byte
	resource    string
}

// NewCertificates returns certificates that are read from the operator's namespace while it runs. changed is called
// when APIServices have to trust something else.
func NewCertificates(
	reader client.Reader, clk clock.Clock, operatorNamespace string, changed func(context.Context),
) *Certificates {
	return &Certificates{
		reader: reader, clock: clk, changed: changed,
		secret: client.ObjectKey{Namespace: operatorNamespace, Name: manifests.StandInName},
	}
}

var errNoCertificate = errors.New("the stand-in has no certificate yet")

// Current implements tls.Config.GetCertificate.
func (c *Certificates) Current(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if current := c.current.Load(); current != nil && current.certificate != nil {
		return current.certificate, nil
	}
	return nil, errNoCertificate
}

// Bundle returns the CAs (PEM) that verify it, nil while there is no certificate.
func (c *Certificates) Bundle() []byte {
	if current := c.current.Load(); current != nil {
		return current.bundle
	}
	return nil
}

// Start reads the Secret again and again until ctx is done. It implements manager.Runnable.
func (c *Certificates) Start(ctx context.Context) error {
	for {
		if err := c.load(ctx); err != nil && ctx.Err() == nil {
			ctrl.LoggerFrom(ctx).Info("cannot read the certificate of the stand-in", "error", err.Error())
		}
		interval := readInterval
		if c.current.Load() == nil {
			interval = firstInterval
		}
		select {
		case <-ctx.Done():
			return nil
		case <-c.clock.After(interval):
		}
	}
}

// NeedLeaderElection returns false: every replica of the operator serves. It implements manager.LeaderElectionRunnable.
func (c *Certificates) NeedLeaderElection() bool { return false }

// load keeps what was loaded if the Secret is lost.
func (c *Certificates) load(ctx context.Context) error {
	secret := &corev1.Secret{}
	if err := c.reader.Get(ctx, c.secret, secret); err != nil {
		return client.IgnoreNotFound(err)
	}
	if current := c.current.Load(); current != nil && current.resource == secret.ResourceVersion {
		return nil
	}
	c.store(ctx, secret)
	return nil
}

// store keeps the certificate of before where there is no other one: a new CA is trusted before it has issued any.
func (c *Certificates) store(ctx context.Context, secret *corev1.Secret) {
	before := c.current.Load()
	next := &loaded{bundle: secret.Data[manifests.CABundleKey], resource: secret.ResourceVersion}
	pair := pki.KeyPairOf(secret.Data)
	if certificate, err := tls.X509KeyPair(pair.Certificate, pair.Key); err == nil {
		next.certificate = &certificate
	} else if before != nil {
		next.certificate = before.certificate
	}
	c.current.Store(next)
	if before == nil || !bytes.Equal(before.bundle, next.bundle) {
		c.changed(ctx)
	}
}
