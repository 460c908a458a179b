// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

// startSampleServer runs k8s.io/sample-apiserver on a port until the end of the test. It stores its objects in the
// control plane's etcd, separate from those of kube-apiserver.
func (p *controlPlane) startSampleServer(t *testing.T, port int32, serving pki.KeyPair) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	output := &bytes.Buffer{}
	args := []string{
		"--etcd-servers", p.env.ControlPlane.Etcd.URL.String(),
		"--etcd-prefix", "/registry/sample-apiserver",
		"--kubeconfig", p.kubeconfig,
		"--authentication-kubeconfig", p.kubeconfig,
		"--authorization-kubeconfig", p.kubeconfig,
		"--bind-address", "127.0.0.1",
		"--secure-port", fmt.Sprint(port),
		"--tls-cert-file", write("tls.crt", serving.Certificate),
		"--tls-private-key-file", write("tls.key", serving.Key),
	}
	if !newServersSyncTheirPolicies(t) {
		args = append(args, "--disable-admission-plugins", "MutatingAdmissionPolicy")
	}
	server := exec.CommandContext(ctx, program(sampleServer), args...)
	server.Stdout, server.Stderr = output, output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("sample-apiserver:\n%s", output)
		}
	})
}

func freePort(t *testing.T) int32 {
	t.Helper()
	port, err := findFreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// findFreePort returns a port on which nothing listens.
func findFreePort() (int32, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address, _ := listener.Addr().(*net.TCPAddr)
	return int32(address.Port), listener.Close()
}
