// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestKubeconfigHasACertificateOfTheCluster(t *testing.T) {
	c := newTestCluster(t)
	if err := writePKI(c.path("pki"), 7, c.name); err != nil {
		t.Fatal(err)
	}
	if err := c.writeKubeconfigs(record{Network: 7}.server()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(c.kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				Server string
				CA     []byte `json:"certificate-authority-data"`
			}
		}
		Users []struct {
			User struct {
				Certificate []byte `json:"client-certificate-data"`
				Key         []byte `json:"client-key-data"`
			}
		}
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	if got := config.Clusters[0].Cluster.Server; got != "https://10.213.7.2:6443" {
		t.Errorf("got server %s", got)
	}
	admin, err := tls.X509KeyPair(config.Users[0].User.Certificate, config.Users[0].User.Key)
	if err != nil {
		t.Fatal(err)
	}
	if got := admin.Leaf.Subject.Organization; len(got) != 1 || got[0] != "system:masters" {
		t.Errorf("the administrator is in the groups %v", got)
	}
	verify(t, admin.Leaf, config.Clusters[0].Cluster.CA, x509.VerifyOptions{
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

func TestServerCertificatesCoverTheirAddresses(t *testing.T) {
	c := newTestCluster(t)
	if err := writePKI(c.path("pki"), 7, c.name); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(c.path("pki", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	for name, hosts := range map[string][]string{
		"apiserver": {
			"10.213.7.2", "10.213.7.6", "10.213.7.14", "10.224.112.1", "127.0.0.1", "kubernetes.default.svc",
		},
		"kubelet": {"10.213.7.2", "test"},
	} {
		pair, err := tls.LoadX509KeyPair(c.path("pki", name+".crt"), c.path("pki", name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range hosts {
			verify(t, pair.Leaf, ca, x509.VerifyOptions{DNSName: host})
		}
	}
}

func verify(t *testing.T, cert *x509.Certificate, ca []byte, options x509.VerifyOptions) {
	t.Helper()
	options.Roots = x509.NewCertPool()
	options.Roots.AppendCertsFromPEM(ca)
	if _, err := cert.Verify(options); err != nil {
		t.Error(err)
	}
}

func TestConfigurationFilesAreRendered(t *testing.T) {
	c := newTestCluster(t)
	if err := c.writeConfig(7); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"containerd.toml":   "sandbox = '" + pauseImage + "'",
		"cni/node.conflist": `"subnet": "10.214.7.0/24"`,
		"kubelet.yaml":      "cgroupRoot: /extensionapi-7",
		"kube-proxy.yaml":   "clusterCIDR: 10.214.7.0/24",
		"audit-policy.yaml": "level: Metadata",
	} {
		content, err := os.ReadFile(c.path(file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(content), want) {
			t.Errorf("%s lacks %q:\n%s", file, want, content)
		}
		if filepath.Ext(file) != ".toml" && yaml.Unmarshal(content, &map[string]any{}) != nil {
			t.Errorf("%s is not YAML:\n%s", file, content)
		}
	}
}

func newTestCluster(t *testing.T) cluster {
	t.Helper()
	c := cluster{name: "test", dir: t.TempDir()}
	if err := c.makeDirs(); err != nil {
		t.Fatal(err)
	}
	return c
}
