// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/internal/doctor/view"
	"github.com/extensionapi/extensionapi-operator/internal/endpoints"
	"github.com/extensionapi/extensionapi-operator/internal/handshake"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objectcheck"
	"github.com/extensionapi/extensionapi-operator/internal/snapshot"
)

const (
	// podsOfEach is of how many Pods of a server the certificate is read.
	podsOfEach = 3
	// certificatesWithin is how long reading a certificate is begun, and forwardTimeout bounds it.
	certificatesWithin = 4 * time.Second
	forwardTimeout     = 4 * time.Second
)

var errLateCertificate = fmt.Errorf("not read within %s", certificatesWithin)

// port is one of a Service, by which APIServices lead to it.
type port struct {
	backend *view.Backend
	number  int32
}

// certificates are the tasks that read what Pods serve, once for each port of a Service.
func (c *collector) certificates(v *view.View) []task {
	end := c.clock.Now().Add(certificatesWithin)
	apiServices := v.APIServices.Value()
	sharing := map[port][]*view.APIService{}
	for i := range apiServices {
		apiService := &apiServices[i]
		if len(apiService.Spec.CABundle) > 0 && !apiService.Spec.InsecureSkipTLSVerify {
			key := port{apiService.Backend, apiService.Port()}
			sharing[key] = append(sharing[key], apiService)
		}
	}
	var tasks []task
	for key, users := range sharing {
		pods := podsBehind(key)
		if len(pods) == 0 {
			continue
		}
		tasks = append(tasks, func(ctx context.Context) {
			served := snapshot.Of(c.served(ctx, key, pods, end))
			for _, apiService := range users {
				apiService.Served = served
			}
		})
	}
	return tasks
}

// podsBehind are the ready endpoints that are Pods.
func podsBehind(key port) []endpoints.Endpoint {
	service := key.backend.Service.Value()
	if service == nil || service.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	_, ready := endpoints.Behind(service, key.number, key.backend.EndpointSlices.Value())
	var pods []endpoints.Endpoint
	for _, endpoint := range ready {
		if endpoint.Pod != "" {
			pods = append(pods, endpoint)
		}
	}
	return pods
}

func (c *collector) served(
	ctx context.Context, key port, pods []endpoints.Endpoint, end time.Time,
) (view.Served, error) {
	if err := c.mayForward(ctx, key.backend.Namespace); err != nil {
		return view.Served{}, err
	}
	host := manifests.ServingHost(manifests.Backend{
		Namespace: key.backend.Namespace, Name: key.backend.Name, Port: key.number,
	})
	served := view.Served{Left: max(0, len(pods)-podsOfEach)}
	for _, endpoint := range pods[:len(pods)-served.Left] {
		chain := snapshot.Of([]*x509.Certificate(nil), errLateCertificate)
		if c.clock.Now().Before(end) {
			chain = snapshot.Of(c.chain(ctx, key.backend.Namespace, endpoint, host))
		}
		served.Pods = append(served.Pods, view.ServedBy{Pod: endpoint.Pod, Chain: chain})
	}
	return served, nil
}

// mayForward is nil if the user may connect to ports of Pods.
func (c *collector) mayForward(ctx context.Context, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	permitted, err := objectcheck.IsPermitted(ctx, c.cluster.Client, authorizationv1.ResourceAttributes{
		Verb: "create", Resource: "pods", Subresource: "portforward", Namespace: namespace,
	})
	if err == nil && !permitted {
		err = apierrors.NewForbidden(corev1.Resource("pods/portforward"), "", errors.New("not permitted"))
	}
	return err
}

// chain reads the certificates that a Pod serves in a TLS handshake, in which no request is sent.
func (c *collector) chain(
	ctx context.Context, namespace string, endpoint endpoints.Endpoint, host string,
) (chain []*x509.Certificate, err error) {
	address, err := netip.ParseAddrPort(endpoint.Address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	pod := types.NamespacedName{Namespace: namespace, Name: endpoint.Pod}
	err = c.cluster.OverPort(ctx, pod, int32(address.Port()), func(connection net.Conn) (err error) {
		chain, err = handshake.Over(ctx, connection, host)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("no connection within %s", forwardTimeout)
	}
	return chain, err
}
