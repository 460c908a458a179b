// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"strings"
	"time"
)

// packed is a file in an archive.
type packed struct {
	name       string
	content    []byte
	executable bool
}

func (f packed) mode() fs.FileMode {
	if f.executable {
		return 0o755
	}
	return 0o644
}

// pack returns a zip or tar.gz archive, as its name says. It depends on nothing of this machine.
func pack(name string, files []packed, modified time.Time) ([]byte, error) {
	var archive bytes.Buffer
	write := tarball
	if strings.HasSuffix(name, ".zip") {
		write = zipped
	}
	err := write(&archive, files, modified.UTC())
	return archive.Bytes(), err
}

func tarball(to io.Writer, files []packed, modified time.Time) error {
	compressed, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, file := range files {
		header := &tar.Header{
			Name: file.name, Mode: int64(file.mode()), Size: int64(len(file.content)), ModTime: modified,
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(file.content); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

func zipped(to io.Writer, files []packed, modified time.Time) error {
	archive := zip.NewWriter(to)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.name, Method: zip.Deflate, Modified: modified}
		header.SetMode(file.mode())
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(file.content); err != nil {
			return err
		}
	}
	return archive.Close()
}
