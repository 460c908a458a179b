// SPDX-License-Identifier: Apache-2.0

// Command oci-image writes the image of one static program, without a base image and without Docker: the same bytes for
// the same program. The archive is both an OCI image layout and what "docker save" writes, so that ctr, docker, podman,
// kind and crane read it.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	ref := flag.String("ref", "", "the image's name and tag, with its registry")
	output := flag.String("output", "image.tar", "the archive to write")
	flag.Parse()
	if *ref == "" || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: oci-image --ref REGISTRY/NAME:TAG [--output FILE] PROGRAM")
		os.Exit(2)
	}
	if err := write(*output, *ref, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "oci-image:", err)
		os.Exit(1)
	}
}
