// SPDX-License-Identifier: Apache-2.0

package terminating

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Cause is why a namespace waits for an API, the more certain the greater.
type Cause int

const (
	// None means that its conditions report nothing of the API.
	None Cause = iota
	// Suspected means that requests to delete its objects fail, and the report names no API.
	Suspected
	// Remaining means that objects of the API are still in it.
	Remaining
	// Undeleted means that requests to delete objects of the API fail.
	Undeleted
	// Undiscovered means that discovery of the API fails.
	Undiscovered
)

// Hold is how an API holds up the deletion of a namespace.
type Hold struct {
	Namespace string
	Cause     Cause
	// Names are the group-versions, groups or resources of the API that the report names.
	Names []string
	// Report is that of the namespace controller, and Since its time.
	Report string
	Since  time.Time
}

// By returns how an API with these group-versions holds up the deletion of a namespace. It is suspect if requests to
// delete its objects are known to fail, or may well fail: then it is what a report without any name is about.
func By(namespace *corev1.Namespace, groupVersions []schema.GroupVersion, suspect bool) (worst Hold) {
	if len(groupVersions) == 0 {
		return Hold{}
	}
	for _, obstacle := range Obstacles(namespace) {
		cause, names := attribute(obstacle, groupVersions)
		if cause == None && suspect && namesNothing(obstacle) {
			cause = Suspected
		}
		if cause > worst.Cause {
			worst = Hold{namespace.Name, cause, names, obstacle.Message, obstacle.LastTransitionTime.Time}
		}
	}
	return worst
}

// attribute returns how an obstacle is about the group-versions, and what it names of them.
func attribute(obstacle corev1.NamespaceCondition, of []schema.GroupVersion) (cause Cause, names []string) {
	switch obstacle.Type {
	case corev1.NamespaceDeletionDiscoveryFailure:
		cause, names = Undiscovered, namedGroupVersions(obstacle.Message, of)
	case corev1.NamespaceDeletionContentFailure:
		cause, names = Undeleted, namedGroups(obstacle.Message, of)
	case corev1.NamespaceContentRemaining:
		cause, names = Remaining, remainingOf(obstacle.Message, of)
	}
	if len(names) == 0 {
		return None, nil
	}
	return cause, names
}

// namedGroupVersions are those that a failure of discovery names, such as "...: wardle.example.com/v1: stale
// GroupVersion discovery: wardle.example.com/v1" (k8s.io/client-go discovery/discovery_client.go).
func namedGroupVersions(message string, of []schema.GroupVersion) (named []string) {
	found := words(message)
	for _, groupVersion := range of {
		isNamed := func(word string) bool { return strings.HasSuffix("/"+word, "/"+groupVersion.String()) }
		if slices.ContainsFunc(found, isNamed) {
			named = append(named, groupVersion.String())
		}
	}
	return named
}

// namedGroups are those of which an error names the group, a group-version, or a resource.
func namedGroups(message string, of []schema.GroupVersion) (named []string) {
	found := words(message)
	for _, group := range groupsOf(of) {
		if slices.ContainsFunc(found, func(word string) bool { return namesGroup(word, group) }) {
			named = append(named, group)
		}
	}
	return named
}

// namesGroup also recognizes "flunders.GROUP" and "GROUP/v1"; in quotes it is the group alone.
func namesGroup(word, group string) bool {
	if quoted := strings.Trim(word, `"`); quoted != word {
		return quoted == group
	}
	_, ofResource, _ := strings.Cut(word, ".")
	return word == group || ofResource == group || strings.Contains("/"+word, "/"+group+"/")
}

// remainingOf are the resources of which objects remain. Their names are the server's, and become part of a command.
func remainingOf(message string, of []schema.GroupVersion) (named []string) {
	groups := groupsOf(of)
	for _, resource := range remaining(message) {
		switch {
		case !slices.Contains(groups, resource.Group):
		case len(validation.IsDNS1123Label(resource.Resource)) > 0:
			named = append(named, resource.Group)
		default:
			named = append(named, resource.String())
		}
	}
	return named
}

func groupsOf(groupVersions []schema.GroupVersion) (groups []string) {
	for _, groupVersion := range groupVersions {
		if !slices.Contains(groups, groupVersion.Group) {
			groups = append(groups, groupVersion.Group)
		}
	}
	return groups
}

// words are what may be a group, a group-version, a resource, or the path of a URL.
func words(message string) []string {
	split := strings.FieldsFunc(message, func(character rune) bool {
		return !strings.ContainsRune(`abcdefghijklmnopqrstuvwxyz0123456789-./"`, character)
	})
	for i, word := range split {
		split[i] = strings.TrimRight(word, ".")
	}
	return split
}

var (
	// failures is in front of the errors of a content failure, which commas separate, and may contain.
	failures = regexp.MustCompile(`^Failed to delete all resource types, (\d+) remaining: `)
	// named matches what names the API of one of them: that an object remains, is denied, or a webhook fails.
	named = regexp.MustCompile(`, Resource=|in API group "|failed calling webhook "`)
)

// namesNothing reports whether an obstacle contains errors that do not name any API.
func namesNothing(obstacle corev1.NamespaceCondition) bool {
	counted := failures.FindStringSubmatch(obstacle.Message)
	if obstacle.Type != corev1.NamespaceDeletionContentFailure || counted == nil {
		return false
	}
	count, err := strconv.Atoi(counted[1])
	return err == nil && count > len(named.FindAllString(obstacle.Message, -1))
}
