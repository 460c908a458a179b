// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"os"
	"path"
	"text/template"
)

const pauseImage = "extensionapi.dev/pause:1"

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*"))

// settings are the values for the templates of the node's configuration files.
type settings struct {
	Name, PauseImage string
	Network          network
}

// writeConfig writes the components' configuration files. The paths in them are those in the node.
func (c cluster) writeConfig(n network) error {
	values := settings{Name: c.name, PauseImage: pauseImage, Network: n}
	for name, file := range map[string]string{
		"containerd.toml":   "containerd.toml",
		"node.conflist":     "cni/node.conflist",
		"kubelet.yaml":      "kubelet.yaml",
		"kube-proxy.yaml":   "kube-proxy.yaml",
		"audit-policy.yaml": "audit-policy.yaml",
	} {
		content, err := render(name, values)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.path(file), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// kubeconfigs maps each kubeconfig to its identity.
var kubeconfigs = map[string]string{
	"controller-manager.kubeconfig": "controller-manager",
	"scheduler.kubeconfig":          "scheduler",
	"kubelet.kubeconfig":            "kubelet",
	"proxy.kubeconfig":              "proxy",
	"kubeconfig":                    "admin",
}

func (c cluster) writeKubeconfigs(server string) error {
	for file, user := range kubeconfigs {
		content, err := c.renderKubeconfig(server, user)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.path(file), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (c cluster) renderKubeconfig(server, user string) ([]byte, error) {
	values := map[string]string{"Cluster": c.name, "Server": server, "User": user}
	for key, file := range map[string]string{"CA": "ca.crt", "Certificate": user + ".crt", "Key": user + ".key"} {
		pem, err := os.ReadFile(c.path("pki", file))
		if err != nil {
			return nil, err
		}
		values[key] = base64.StdEncoding.EncodeToString(pem)
	}
	return render("kubeconfig", values)
}

func render(name string, values any) ([]byte, error) {
	var content bytes.Buffer
	if err := templates.ExecuteTemplate(&content, path.Base(name), values); err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	return content.Bytes(), nil
}
