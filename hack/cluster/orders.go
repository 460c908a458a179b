// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// ordersSocket is where the node's first process takes orders.
const ordersSocket = "/run/orders.sock"

// exitTimeout exceeds the minute for which a kube-apiserver that terminates waits for requests.
const exitTimeout = 90 * time.Second

// Order is for one of the kube-apiservers: a signal, or to start with a program and flags that come after its own.
type Order struct {
	Number  int
	Signal  unix.Signal
	Program string
	Flags   []string
}

// Orders executes orders in the node. It is exported for net/rpc, as are its methods and their arguments.
type Orders struct {
	supervisor *supervisor
	record     record
}

func (s *supervisor) serveOrders(ctx context.Context, r record) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", ordersSocket)
	if err != nil {
		return err
	}
	server := rpc.NewServer()
	if err := server.Register(&Orders{supervisor: s, record: r}); err != nil {
		return err
	}
	server.Accept(listener)
	return errors.New("the node takes no orders any more")
}

// Signal sends a signal to a kube-apiserver. If it is one that terminates it, it returns when the kube-apiserver has
// exited, which is not started again.
func (o *Orders) Signal(order Order, _ *struct{}) error {
	name := suffixed(kubeAPIServer, order.Number, "")
	if order.Signal == unix.SIGTERM || order.Signal == unix.SIGKILL {
		ctx, cancel := context.WithTimeout(context.Background(), exitTimeout)
		defer cancel()
		return o.supervisor.stop(ctx, name, order.Signal)
	}
	pid, _ := o.supervisor.find(name)
	if pid == 0 {
		return fmt.Errorf("%s does not run", name)
	}
	return unix.Kill(pid, order.Signal)
}

// Start starts a kube-apiserver. One that runs with another program or other flags is stopped first.
func (o *Orders) Start(order Order, _ *struct{}) error {
	wanted := apiServer(o.record.Network, order.Number)
	wanted.args = append(wanted.args, order.Flags...)
	if order.Program != "" {
		wanted.program = order.Program
	}
	pid, current := o.supervisor.find(wanted.name)
	if pid != 0 && current.path() == wanted.path() && slices.Equal(current.args, wanted.args) {
		return nil
	}
	if err := o.Signal(Order{Number: order.Number, Signal: unix.SIGTERM}, nil); err != nil {
		return err
	}
	return o.supervisor.start(context.Background(), os.O_APPEND, wanted)
}

// give sends an order to the node. The socket is accessed through the node's first process.
func (r record) give(method string, order Order) error {
	if count := len(r.kubeAPIServers()); order.Number < 1 || order.Number > count {
		return fmt.Errorf("there is no kube-apiserver %d: the cluster has %d", order.Number, count)
	}
	client, err := rpc.Dial("unix", fmt.Sprintf("/proc/%d/root%s", r.Node.PID, ordersSocket))
	if err != nil {
		return fmt.Errorf("the node takes no orders: %w", err)
	}
	defer func() { _ = client.Close() }()
	return client.Call("Orders."+method, order, nil)
}

// linkProgram makes the kube-apiserver of another version accessible in the node, and returns its path there.
func (c cluster) linkProgram(ctx context.Context, minor string) (string, error) {
	other, err := findRelease(ctx, minor)
	if err != nil {
		return "", err
	}
	bin, err := other.build(ctx, []string{kubeAPIServer})
	if err != nil {
		return "", err
	}
	name := kubeAPIServer + "-" + minor
	if err := os.Remove(c.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return filepath.Join(nodeDir, name), os.Link(filepath.Join(bin, kubeAPIServer), c.path(name))
}
