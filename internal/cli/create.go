// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/extensionapi/extensionapi-operator/internal/skeleton"
)

// creator is the command create api.
type creator struct {
	*options
	dir     string
	kind    skeleton.Kind
	version string
	storage string
}

const createAPIHelp = `Adds a kind to the project in this directory: its types, how it is served, a controller, and
the group-version in the ExtensionAPI. For a kind that exists it adds a version instead, with the
types of the first one and conversions between them.

Storage is etcd, none (answers are computed: get and list, without a controller), or custom (a
database of your own behind a small interface).`

func createCommand(o *options) *cobra.Command {
	command := &cobra.Command{
		Use:   "create",
		Short: "Add to a project that init has started",
		Args:  cobra.NoArgs,
		RunE:  func(command *cobra.Command, _ []string) error { return command.Help() },
	}
	command.AddCommand(createAPICommand(o))
	return command
}

func createAPICommand(o *options) *cobra.Command {
	c := &creator{options: o}
	command := &cobra.Command{
		Use:   "api --group GROUP --version VERSION --kind KIND",
		Short: "Add a kind, or a version of a kind, to a project",
		Long:  createAPIHelp,
		Example: "  kubectl extensionapi create api --group gears --version v1 --kind Sprocket\n" +
			"  kubectl extensionapi create api --group gears --version v1 --kind Clock --storage none",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if !command.Flags().Changed("controller") {
				c.kind.Controller = c.storage != string(skeleton.None)
			}
			return c.run()
		},
	}
	flags := command.Flags()
	flags.StringVar(&c.kind.Group, "group", "", "Group, without the domain of the project")
	flags.StringVar(&c.version, "version", "", "Version, such as v1 or v1beta1")
	flags.StringVar(&c.kind.Kind, "kind", "", "Kind, such as Sprocket")
	flags.StringVar(&c.kind.Plural, "plural", "", "Name of the resource; by default the plural of the kind")
	flags.StringVar(&c.storage, "storage", string(skeleton.Etcd), "Where the objects are: etcd, none or custom")
	flags.BoolVar(&c.kind.ClusterScoped, "cluster-scoped", false, "Objects are in no namespace")
	flags.BoolVar(&c.kind.Controller, "controller", true, "Write a controller; not for storage none")
	flags.StringVar(&c.dir, "dir", ".", "Directory of the project")
	for _, name := range []string{"group", "version", "kind"} {
		_ = command.MarkFlagRequired(name) // the flag exists
	}
	return command
}

func (c *creator) run() error {
	project, err := skeleton.Load(c.dir)
	if err != nil {
		return err
	}
	c.kind.Versions, c.kind.Storage = []string{c.version}, skeleton.Storage(c.storage)
	c.kind.Plural = cmp.Or(c.kind.Plural, skeleton.DefaultPlural(c.kind.Kind))
	created, changed, err := skeleton.Create(c.dir, project, c.kind)
	if err != nil {
		return err
	}
	printFiles(c.Out, "created", created)
	printFiles(c.Out, "changed", changed)
	_, err = fmt.Fprintln(c.Out, "\nNext: make generate test")
	return err
}
