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

// commit is the source of a release; its time is that of all files of the release.
type commit struct {
	hash string
	time time.Time
}

// checkedOut returns the checked out commit, if it may be released as version.
func checkedOut(ctx context.Context, version string) (commit, string, error) {
	changes, err := differing(ctx)
	if err != nil {
		return commit{}, "", err
	}
	if changes != "" {
		return commit{}, "", fmt.Errorf("a release is made from a commit, and these files differ from it: commit them, or "+
			"stash them with 'git stash --include-untracked'\n%s", changes)
	}
	head, err := head(ctx)
	if err != nil {
		return commit{}, "", err
	}
	// Without such a tag, git only fails with an exit code.
	tagged, err := output(ctx, "git", "rev-parse", "--quiet", "--verify", "refs/tags/"+version+"^{commit}")
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return commit{}, "", err
	}
	note, err := checkTag(version, tagged, head.hash)
	return head, note, err
}

// differing returns the files that differ from the commit, and ignored files that would nevertheless be part of the
// chart or the program.
func differing(ctx context.Context) (string, error) {
	changed, err := output(ctx, "git", "status", "--porcelain", "--untracked-files=all")
	if err != nil {
		return "", err
	}
	ignored, err := output(ctx, "git", "ls-files", "--others", "--ignored", "--exclude-standard", "--", "charts",
		":(glob)*.go", ":(glob)api/**/*.go", ":(glob)cmd/**/*.go", ":(glob)controllers/**/*.go", ":(glob)internal/**/*.go")
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

// checkTools reports missing tools before anything is built.
func checkTools(dir string) error {
	var missing []error
	for _, tool := range []string{"helm", "cyclonedx-gomod"} {
		if _, err := os.Stat(filepath.Join(dir, tool)); err != nil {
			missing = append(missing, fmt.Errorf("%w: run 'make bin/tools/%s', or 'make release', which does that", err, tool))
		}
	}
	return errors.Join(missing...)
}

// output returns the output of a command, without the final line feed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	printed, err := run(exec.CommandContext(ctx, name, args...)) //nolint:gosec // the commands are constants
	return strings.TrimSuffix(string(printed), "\n"), err
}

// run returns the output of a command, or an error with its standard error.
func run(command *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	command.Stderr = &stderr
	printed, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(command.Args, " "), err, stderr.Bytes())
	}
	return printed, nil
}
