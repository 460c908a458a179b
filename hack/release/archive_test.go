// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"
)

var packedFiles = []packed{
	{name: "program", content: []byte("binary"), executable: true},
	{name: "LICENSE", content: []byte("text")},
}

func TestArchivesHaveTheFilesWithModeAndTimeOfTheCommit(t *testing.T) {
	committed := time.Unix(1793300001, 0)
	for name, list := range map[string]func([]byte) ([]string, error){"a.tar.gz": listTarball, "a.zip": listZip} {
		content, err := pack(name, packedFiles, committed)
		if err != nil {
			t.Fatal(err)
		}
		found, err := list(content)
		want := []string{
			"program -rwxr-xr-x 2026-10-29T18:53:21Z binary",
			"LICENSE -rw-r--r-- 2026-10-29T18:53:21Z text",
		}
		if err != nil || !slices.Equal(found, want) {
			t.Errorf("%s has\n%q (%v)\nwant\n%q", name, found, err, want)
		}
	}
}

func TestArchivesDoNotDependOnTheTimeZone(t *testing.T) {
	committed := time.Unix(1793300001, 0)
	for _, name := range []string{"a.tar.gz", "a.zip"} {
		one, err := pack(name, packedFiles, committed.UTC())
		if err != nil {
			t.Fatal(err)
		}
		other, err := pack(name, packedFiles, committed.In(time.FixedZone("elsewhere", 5*60*60)))
		if err != nil || !bytes.Equal(one, other) {
			t.Errorf("%s depends on the time zone (%v)", name, err)
		}
	}
}

func described(name, mode string, modified time.Time, content []byte) string {
	return fmt.Sprintf("%s %s %s %s", name, mode, modified.UTC().Format(time.RFC3339), content)
}

func listTarball(content []byte) ([]string, error) {
	uncompressed, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(uncompressed)
	var files []string
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return nil, err
		}
		files = append(files, described(header.Name, header.FileInfo().Mode().String(), header.ModTime, content))
	}
}

func listZip(content []byte) ([]string, error) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range archive.File {
		opened, err := entry.Open()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(opened)
		if err := errors.Join(err, opened.Close()); err != nil {
			return nil, err
		}
		files = append(files, described(entry.Name, entry.Mode().String(), entry.Modified, content))
	}
	return files, nil
}
