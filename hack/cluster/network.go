// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// network is the number of a cluster, from which all its addresses are derived. The host reaches the node over a veth
// pair, and Pods and Services through the node; there is no route to other networks, so that no Pod depends on them.
type network byte

const linkBits = "/28"

func (n network) address(second, last int) string { return fmt.Sprintf("10.%d.%d.%d", second, n, last) }

// service returns an address in one of the 256 networks of 4096 addresses in 10.224.0.0/12.
func (n network) service(last int) string { return fmt.Sprintf("10.%d.%d.%d", 224+n/16, n%16*16, last) }

func (n network) Host() string       { return n.address(213, 1) }
func (n network) Node() string       { return n.kubeAPIServer(1) }
func (n network) Pods() string       { return n.address(214, 0) + "/24" }
func (n network) Services() string   { return n.service(0) + "/20" }
func (n network) APIService() string { return n.service(1) } // of the Service default/kubernetes
func (n network) link() string       { return fmt.Sprintf("xapi%d", n) }

// kubeAPIServer returns the address of a kube-apiserver, counted from 1. The first one has that of the node.
func (n network) kubeAPIServer(number int) string { return n.address(213, 1+number) }

// balancer is the address in front of several kube-apiservers.
func (n network) balancer() string { return n.address(213, 14) }

// Cgroup is named after the number, which is unique among the clusters on a machine, whichever user started them.
func (n network) Cgroup() string { return fmt.Sprintf("extensionapi-%d", n) }

func (n network) prefixes() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix(n.Host() + linkBits).Masked(),
		netip.MustParsePrefix(n.Pods()),
		netip.MustParsePrefix(n.Services()),
	}
}

// freeNetwork returns the first network that overlaps with none of the prefixes in use.
func freeNetwork(used []netip.Prefix) (network, error) {
	for n := 0; n <= 255; n++ {
		if candidate := network(n); !candidate.overlaps(used) {
			return candidate, nil
		}
	}
	return 0, fmt.Errorf("no free network among 10.213.0.0/16, 10.214.0.0/16 and 10.224.0.0/12; take down a cluster")
}

func (n network) overlaps(used []netip.Prefix) bool {
	return slices.ContainsFunc(n.prefixes(), func(own netip.Prefix) bool {
		return slices.ContainsFunc(used, own.Overlaps)
	})
}

// hostPrefixes returns the networks of this machine's interfaces.
func hostPrefixes() ([]netip.Prefix, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var prefixes []netip.Prefix
	for _, address := range addresses {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes, nil
}

// linkAddress returns the hardware address of this machine's end of the veth pair: it distinguishes the pair of the
// cluster in that directory from one of a cluster in another user's cache with the same name.
func linkAddress(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	sum[0] = sum[0]&^1 | 2 // of one interface, not a group, and not assigned by a manufacturer
	return net.HardwareAddr(sum[:6]).String()
}

// connectHost creates the veth pair between this machine and the network namespace of the process.
func (n network) connectHost(ctx context.Context, dir string, pid int) error {
	return ip(ctx,
		"link add "+n.link()+" address "+linkAddress(dir)+" type veth peer name eth0 netns "+strconv.Itoa(pid),
		"address add "+n.Host()+linkBits+" dev "+n.link(),
		"link set "+n.link()+" up",
		"route add "+n.Pods()+" via "+n.Node(),
		"route add "+n.Services()+" via "+n.Node(),
	)
}

// connectNode configures the node's end with its addresses, its own first. Traffic to a Service initially needs a
// route, though kube-proxy rewrites it.
func (n network) connectNode(ctx context.Context, addresses []string) error {
	commands := []string{"link set lo up"}
	for _, address := range addresses {
		commands = append(commands, "address add "+address+linkBits+" dev eth0")
	}
	return ip(ctx, append(commands, "link set eth0 up", "route add "+n.Services()+" via "+n.Host())...)
}

// disconnectHost deletes the veth pair of the cluster in that directory. The kernel would do so only when the node's
// network namespace ends, and connections whose other end, in a Pod, died first delay that by two minutes.
func (n network) disconnectHost(ctx context.Context, dir string) error {
	return poll(ctx, 30*time.Second, func() error {
		link, err := net.InterfaceByName(n.link())
		if err != nil {
			return nil //nolint:nilerr // it does not exist, perhaps because the kernel has deleted it already
		}
		if link.HardwareAddr.String() != linkAddress(dir) {
			return fmt.Errorf("network interface %s is in use, perhaps by a cluster in another user's cache", n.link())
		}
		return ip(ctx, "link delete "+n.link())
	})
}

func ip(ctx context.Context, commands ...string) error {
	for _, command := range commands {
		if out, err := exec.CommandContext(ctx, "ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", command, err, out)
		}
	}
	return nil
}
