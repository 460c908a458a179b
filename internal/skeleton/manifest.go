// SPDX-License-Identifier: Apache-2.0

package skeleton

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
	kubeversion "k8s.io/apimachinery/pkg/version"
)

// manifestFile declares the server, its groups and its controllers. It is edited as a tree, which keeps comments and
// what the user has changed.
const manifestFile = "config/extensionapi.yaml"

// declare adds what is created to the ExtensionAPI of a manifest.
func (c creation) declare(content []byte) ([]byte, error) {
	documents, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", manifestFile, err)
	}
	index := slices.IndexFunc(documents, func(document *yaml.Node) bool {
		kind := child(document.Content[0], "kind")
		return kind != nil && kind.Value == "ExtensionAPI"
	})
	if index < 0 {
		return nil, fmt.Errorf("%s has no ExtensionAPI", manifestFile)
	}
	spec := child(documents[index].Content[0], "spec")
	if spec == nil {
		return nil, fmt.Errorf("%s: the ExtensionAPI has no spec", manifestFile)
	}
	addVersion(spec, c.data.GroupName, c.data.Version)
	if c.kind.Storage == Etcd {
		if err := c.addStorage(spec); err != nil {
			return nil, err
		}
	}
	if c.kind.Controller {
		if err := c.addControllers(spec); err != nil {
			return nil, err
		}
	}
	return encode(documents)
}

// addVersion adds a group-version, in the order of preference.
func addVersion(spec *yaml.Node, group, version string) {
	groups := ensure(spec, "groups", yaml.SequenceNode)
	groups.Style = 0
	index := slices.IndexFunc(groups.Content, func(node *yaml.Node) bool { return nameOf(node) == group })
	if index < 0 {
		index = len(groups.Content)
		groups.Content = append(groups.Content, mapping("name", scalar(group)))
	}
	versions := ensure(groups.Content[index], "versions", yaml.SequenceNode)
	if slices.ContainsFunc(versions.Content, func(node *yaml.Node) bool { return nameOf(node) == version }) {
		return
	}
	versions.Content = append(versions.Content, mapping("name", scalar(version)))
	slices.SortStableFunc(versions.Content, func(a, b *yaml.Node) int {
		return kubeversion.CompareKubeAwareVersionStrings(nameOf(b), nameOf(a))
	})
}

// addStorage adds an etcd, unless there is one.
func (c creation) addStorage(spec *yaml.Node) error {
	server := child(spec, "server")
	if server == nil || child(server, "storage") != nil {
		return nil
	}
	return c.add(server, "storage", "storage.yaml")
}

// addControllers adds the Deployment of the controllers, unless there is one.
func (c creation) addControllers(spec *yaml.Node) error {
	if child(spec, "controllers") != nil {
		return nil
	}
	return c.add(spec, "controllers", "controllers.yaml")
}

// add adds the rendered template to a mapping.
func (c creation) add(to *yaml.Node, key, template string) error {
	rendered, err := rendered(manifestFile, template, c.data)
	if err != nil {
		return err
	}
	documents, err := parse(rendered.content)
	if err != nil {
		return err
	}
	to.Content = append(to.Content, scalar(key), documents[0].Content[0])
	return nil
}

func parse(content []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var documents []*yaml.Node
	for {
		document := &yaml.Node{}
		if err := decoder.Decode(document); errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		documents = append(documents, document)
	}
}

func encode(documents []*yaml.Node) ([]byte, error) {
	var content bytes.Buffer
	encoder := yaml.NewEncoder(&content)
	encoder.SetIndent(2)
	for _, document := range documents {
		if err := encoder.Encode(document); err != nil {
			return nil, err
		}
	}
	if err := encoder.Close(); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

// child returns the value of a key of a mapping, or nil.
func child(node *yaml.Node, key string) *yaml.Node {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// ensure returns the value of a key, which it adds if it is missing.
func ensure(node *yaml.Node, key string, kind yaml.Kind) *yaml.Node {
	if found := child(node, key); found != nil {
		return found
	}
	added := &yaml.Node{Kind: kind}
	node.Content = append(node.Content, scalar(key), added)
	return added
}

func nameOf(node *yaml.Node) string {
	if found := child(node, "name"); found != nil {
		return found.Value
	}
	return ""
}

func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

func mapping(key string, value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(key), value}}
}
