// SPDX-License-Identifier: Apache-2.0

package main

import "path/filepath"

// component is a process of the node.
type component struct {
	// name is that of its log, and of its program unless that is set.
	name, program string
	args          []string
	// group is the ID of the group that it runs as. A component with one has a host name, too, that of the component.
	group uint32
}

func (c component) path() string {
	if c.program != "" {
		return c.program
	}
	return filepath.Join(nodeBinDir, c.name)
}

const (
	// controllerManager and etcd are the components that tests may kill.
	controllerManager = "kube-controller-manager"
	etcd              = "etcd"
	kubeAPIServer     = "kube-apiserver"
)

// firstGroup precedes the IDs of the groups that the kube-apiservers run as. They differ so that a firewall can
// distinguish the packets of each, which all come from the node's addresses; as root, it still may access every file.
const firstGroup = 64430

// nodeCommand starts the node's first process, and is the name of its log.
const nodeCommand = "node"

// Where the node's processes find the cluster's directory and the programs.
const (
	nodeDir    = "/run/cluster"
	nodeBinDir = "/run/bin"
)

// base returns the components that do not need kube-apiserver.
func base(r record) []component {
	components := []component{
		{name: etcd, args: []string{
			"--name=node",
			"--data-dir=/run/cluster/etcd",
			"--listen-client-urls=http://127.0.0.1:2379", // no Pod can reach the node's loopback
			"--advertise-client-urls=http://127.0.0.1:2379",
			"--unsafe-no-fsync", // fast; a power failure can only damage a test cluster
			"--log-level=warn",
		}},
		{name: "containerd", args: []string{"--config=/run/cluster/containerd.toml", "--log-level=warn"}},
	}
	for i := range r.kubeAPIServers() {
		components = append(components, apiServer(r.Network, i+1))
	}
	return components
}

// apiServer returns a kube-apiserver, counted from 1. With its own address it is an endpoint of the Service
// default/kubernetes.
func apiServer(n network, number int) component {
	return component{
		name:    suffixed(kubeAPIServer, number, ""),
		program: filepath.Join(nodeBinDir, kubeAPIServer),
		group:   firstGroup + uint32(number), //nolint:gosec // at most maxKubeAPIServers
		args: []string{
			"--etcd-servers=http://127.0.0.1:2379",
			"--bind-address=" + n.kubeAPIServer(number),
			"--advertise-address=" + n.kubeAPIServer(number),
			"--service-cluster-ip-range=" + n.Services(),
			"--allow-privileged=true",
			"--authorization-mode=Node,RBAC",
			"--enable-admission-plugins=NodeRestriction",
			"--client-ca-file=/run/cluster/pki/ca.crt",
			"--tls-cert-file=/run/cluster/pki/apiserver.crt",
			"--tls-private-key-file=/run/cluster/pki/apiserver.key",
			"--kubelet-certificate-authority=/run/cluster/pki/ca.crt",
			"--kubelet-client-certificate=/run/cluster/pki/apiserver-kubelet-client.crt",
			"--kubelet-client-key=/run/cluster/pki/apiserver-kubelet-client.key",
			"--kubelet-preferred-address-types=InternalIP",
			"--requestheader-client-ca-file=/run/cluster/pki/front-proxy-ca.crt",
			"--requestheader-allowed-names=front-proxy-client",
			"--requestheader-username-headers=X-Remote-User",
			"--requestheader-group-headers=X-Remote-Group",
			"--requestheader-extra-headers-prefix=X-Remote-Extra-",
			"--proxy-client-cert-file=/run/cluster/pki/front-proxy-client.crt",
			"--proxy-client-key-file=/run/cluster/pki/front-proxy-client.key",
			"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
			"--service-account-key-file=/run/cluster/pki/sa.key",
			"--service-account-signing-key-file=/run/cluster/pki/sa.key",
			"--audit-policy-file=/run/cluster/audit-policy.yaml",
			"--audit-log-path=" + filepath.Join(nodeDir, suffixed("audit", number, ".log")),
			"--audit-log-maxsize=200",
			"--audit-log-maxbackup=1",
		},
	}
}

// clients returns the components that are clients of the kube-apiserver. The controller manager exits if it does not
// answer.
func clients(c cluster, n network) []component {
	return []component{
		{name: controllerManager, args: []string{
			"--kubeconfig=/run/cluster/controller-manager.kubeconfig",
			"--leader-elect=false",
			"--use-service-account-credentials=true",
			"--root-ca-file=/run/cluster/pki/ca.crt",
			"--service-account-private-key-file=/run/cluster/pki/sa.key",
			"--cluster-signing-cert-file=/run/cluster/pki/ca.crt",
			"--cluster-signing-key-file=/run/cluster/pki/ca.key",
			"--flex-volume-plugin-dir=/var/lib/kubelet/volume-plugins", // by default it creates one in /usr
		}},
		{name: "kube-scheduler", args: []string{"--kubeconfig=/run/cluster/scheduler.kubeconfig", "--leader-elect=false"}},
		{name: "kubelet", args: []string{
			"--config=/run/cluster/kubelet.yaml",
			"--kubeconfig=/run/cluster/kubelet.kubeconfig",
			"--hostname-override=" + c.name,
			"--node-ip=" + n.Node(),
		}},
		{name: "kube-proxy", args: []string{"--config=/run/cluster/kube-proxy.yaml"}},
	}
}
