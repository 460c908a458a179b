// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// commit is what a release is made of; its time is that of all its files.
type commit struct {
	hash string
	time time.Time
}

// checkedOut returns the commit that is checked out, if it may be released as version.
func checkedOut(ctx context.Context, version string) (commit, string, error) {
	changes, err := differing(ctx)
	if err != nil {
		return commit{}, "", err
	}
	if changes != "" {
		return commit{}, "", fmt.Errorf("a release is made of a commit, and these files differ from it: commit them, or "+
			"put them aside with 'git stash --include-untracked'\n%s", changes)
	}
	head, err := head(ctx)
	if err != nil {
		return commit{}, "", err
	}
	// Without such a tag, git tells so by its exit code alone.
	tagged, err := output(ctx, "git", "rev-parse", "--quiet", "--verify", "refs/tags/"+version+"^{commit}")
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return commit{}, "", err
	}
	note, err := checkTag(version, tagged, head.hash)
	return head, note, err
}

// differing are the files that are not as in the commit, and those that git ignores, but which would come into the
// chart or the program all the same.
func differing(ctx context.Context) (string, error) {
	changed, err := output(ctx, "git", "status", "--porcelain", "--untracked-files=all")
	if err != nil {
		return "", err
	}
	ignored, err := output(ctx, "git", "ls-files", "--others", "--ignored", "--exclude-standard", "--", "charts",
		":(glob)*.go", ":(glob)api/**/*.go", ":(glob)controllers/**/*.go", ":(glob)internal/**/*.go")
	return strings.Trim(changed+"\n"+ignored, "\n"), err
}

func head(ctx context.Context) (commit, error) {
	text, err := output(ctx, "git", "show", "--no-patch", "--no-show-signature", "--format=%H %ct", "HEAD")
	if err != nil {
		return commit{}, err
	}
	hash, seconds, _ := strings.Cut(text, " ")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return commit{}, fmt.Errorf("the time of commit %s: %w", hash, err)
	}
	return commit{hash: hash, time: time.Unix(unix, 0).UTC()}, nil
}

// checkTools tells of a missing tool before anything is built.
func checkTools(dir string) error {
	var missing []error
	for _, tool := range []string{"helm", "cyclonedx-gomod"} {
		if _, err := os.Stat(filepath.Join(dir, tool)); err != nil {
			missing = append(missing, fmt.Errorf("%w: run 'make bin/tools/%s', or 'make release', which does", err, tool))
		}
	}
	return errors.Join(missing...)
}

// output is what a command prints, without the line feed at its end.
func output(ctx context.Context, name string, args ...string) (string, error) {
	printed, err := run(exec.CommandContext(ctx, name, args...)) //nolint:gosec // the commands are written in this program
	return strings.TrimSuffix(string(printed), "\n"), err
}

// run returns what a command prints, or an error that has what it complains of.
func run(command *exec.Cmd) ([]byte, error) {
	var complaint bytes.Buffer
	command.Stderr = &complaint
	printed, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(command.Args, " "), err, complaint.Bytes())
	}
	return printed, nil
}
