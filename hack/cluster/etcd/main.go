// SPDX-License-Identifier: Apache-2.0

// Command etcd is etcd's server under its usual name: its own main package is called "server".
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
