// SPDX-License-Identifier: Apache-2.0

package rotation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/client-go/util/cert"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// From any state that a life can lead to, no request is lost, and every change ends.
func TestNoOrderOfEventsLosesARequest(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, seed)
			backup := *w
			for range 60 {
				if w.random.IntN(15) == 0 {
					backup = *w
				}
				w.live(backup)
				w.operate(w.random.IntN(7))
				w.pass(w.upTo(90 * time.Second))
			}
			w.settle()
		})
	}
}

// live is something that happens to a cluster.
func (w *world) live(backup world) {
	switch w.random.IntN(20) {
	case 0:
		w.request.RotateCAAfter = w.now.Truncate(time.Second)
	case 1:
		w.request.RotateServingAfter = w.now.Truncate(time.Second)
	case 2: // the Secret with the authority is deleted
		w.signer, w.state.Record, w.state.Bundle = pki.KeyPair{}, Record{}, nil
	case 3: // the record is edited into nothing
		w.state.Record = Record{}
	case 4: // the Secret with the serving certificate is deleted; Pods keep what they have
		if len(w.pods) > 0 {
			w.state.Serving = pki.KeyPair{}
		}
	case 5:
		w.startPod()
	case 6:
		if len(w.pods) > 2 {
			w.pods = slices.Delete(w.pods, 0, 1)
		}
	case 7:
		w.now = w.now.Add(-w.upTo(10 * time.Second)) // a clock that is set back
	case 8: // the bundle is edited into rubbish
		w.state.Bundle = []byte("rubbish")
	case 9: // an older authority is restored
		w.signer, w.state.Record, w.state.Bundle = backup.signer, Record{}, backup.state.Bundle
	case 10:
		w.bring()
	case 11: // the operator is to issue again
		w.brought = nil
	case 12: // scaled to nothing; without Pods and Secret there would be nothing that a request could be answered with
		if w.stored() != nil {
			w.pods = nil
		}
	}
}

// settle restarts the servers that never read a certificate again, and expects the end of every change.
func (w *world) settle() {
	w.Helper()
	w.pods = slices.DeleteFunc(w.pods, func(p *pod) bool { return p.stubborn })
	for range 100 {
		w.operate(0)
		w.pass(max(w.last.CheckAfter, 30*time.Second))
	}
	if w.last.Waiting != "" {
		w.Fatalf("the change does not end: it is waited for %s", w.last.Waiting)
	}
	for _, registered := range w.apiServices {
		if trusted, err := cert.ParseCertsPEM(registered.published); err != nil || len(trusted) != 1 {
			w.Errorf("in the end %d authorities are trusted (%v), want 1", len(trusted), err)
		}
	}
	for _, p := range w.pods {
		if !p.serving.Equal(w.stored()) {
			w.Errorf("in the end Pod %s does not serve the stored certificate", p.name)
		}
	}
	if _, want := w.wanted(w.now); want.Replace != "" {
		w.Errorf("in the end the certificate is not the wanted one: %s", want.Replace)
	}
}
