// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// Protocol is what an endpoint speaks.
type Protocol string

// The protocols of etcd, with TLS and without it, and of the databases.
const (
	Etcd       Protocol = "etcd"
	PlainEtcd  Protocol = "etcd without TLS"
	PostgreSQL Protocol = "PostgreSQL"
	MySQL      Protocol = "MySQL"
)

// maxEndpoints bounds the hosts of one data source name.
const maxEndpoints = 9

var (
	errDSN = errors.New("dsn must begin with postgres:// or mysql://, and name a host and a database, such as " +
		"postgres://user:password@host:5432/database or mysql://user:password@tcp(host:3306)/database")
	mysqlDSN = regexp.MustCompile(`^(?:.*@)?tcp\(([^()]+)\)/([^/?]+)(?:\?.*)?$`)
	// dsnHost is strict, as a host is reported, and a part of a password must not be taken for one.
	dsnHost = regexp.MustCompile(`^([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$`)
)

// ParseDSN returns what a data source name of kine leads to. Its errors contain nothing of it: it has a password.
func ParseDSN(dsn string) (Protocol, []string, error) {
	scheme, rest, _ := strings.Cut(dsn, "://")
	switch {
	case strings.TrimSpace(dsn) != dsn:
		return "", nil, errors.New("dsn begins or ends with white space, such as a line break: remove it")
	case scheme == "postgres" || scheme == "postgresql":
		addresses, err := postgresHosts(dsn)
		return PostgreSQL, addresses, err
	case scheme == "mysql":
		found := mysqlDSN.FindStringSubmatch(rest)
		if found == nil || !dsnHost.MatchString(found[1]) {
			return "", nil, errDSN
		}
		return MySQL, []string{withPort(found[1], "3306")}, nil
	default:
		return "", nil, errDSN
	}
}

// postgresHosts returns the hosts of a URL, which may name several, for a failover. As in kine, only the last one may
// have a port.
func postgresHosts(dsn string) ([]string, error) {
	parsed, err := url.Parse(dsn)
	// An '@' behind the host is that before the host, after a '/' in the password, which has to be %2F.
	if err != nil || strings.Trim(parsed.Path, "/") == "" || strings.Contains(parsed.Path, "@") {
		return nil, errDSN
	}
	var addresses []string
	for host := range strings.SplitSeq(parsed.Host, ",") {
		if !dsnHost.MatchString(host) {
			return nil, errDSN
		}
		addresses = append(addresses, withPort(host, "5432"))
	}
	if len(addresses) > maxEndpoints {
		return nil, fmt.Errorf("dsn names more than %d hosts", maxEndpoints)
	}
	return addresses, nil
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}
