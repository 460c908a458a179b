// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/pki"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

const password = "s3cr3t"

func TestADataSourceNameLeadsToItsHosts(t *testing.T) {
	for dsn, want := range map[string]struct {
		protocol  Protocol
		addresses []string
	}{
		"postgres://u:s3cr3t@db/shop":                       {PostgreSQL, []string{"db:5432"}},
		"postgresql://u@db:6432/shop?sslmode=require":       {PostgreSQL, []string{"db:6432"}},
		"postgres://u@a,b:5432/shop":                        {PostgreSQL, []string{"a:5432", "b:5432"}},
		"postgres://u@[fd00::1]:5432/shop":                  {PostgreSQL, []string{"[fd00::1]:5432"}},
		"mysql://u:s3cr3t@tcp(db:3307)/shop":                {MySQL, []string{"db:3307"}},
		"mysql://u:p@ss/w@tcp(10.0.0.7)/shop?parseTime=yes": {MySQL, []string{"10.0.0.7:3306"}},
	} {
		protocol, addresses, err := ParseDSN(dsn)
		if err != nil || protocol != want.protocol || !slices.Equal(addresses, want.addresses) {
			t.Errorf("%s leads to %s %q (%v), want %+v", dsn, protocol, addresses, err, want)
		}
	}
}

func TestAnInvalidDataSourceNameIsRefusedWithoutShowingIt(t *testing.T) {
	for dsn, says := range map[string]string{
		"":                                 "must begin with postgres:// or mysql://",
		"sqlite://s3cr3t":                  "must begin with postgres:// or mysql://",
		"postgres://u:s3cr3t@db":           "name a host and a database",
		"postgres://u:s3cr3t@db/":          "name a host and a database",
		"postgres:///shop?password=s3cr3t": "name a host and a database",
		"postgres://u:s3cr3t@a,,b/shop":    "name a host and a database",
		"postgres://u:s3cr3t%zz@db/shop":   "name a host and a database",
		// kine cannot parse it either.
		"postgres://u:s3cr3t@a:5432,b/shop":                         "name a host and a database",
		"mysql://u:s3cr3t@db:3306/shop":                             "mysql://user:password@tcp(host:3306)/database",
		"mysql://u:s3cr3t@unix(/sock)/shop":                         "mysql://user:password@tcp(host:3306)/database",
		"postgres://u:s3cr3t@db/shop\n":                             "begins or ends with white space",
		"mysql://tcp(u:s3cr3t@db:3306)/shop":                        "mysql://user:password@tcp(host:3306)/database",
		"postgres://u:12/s3cr3t@db/shop":                            "name a host and a database",
		"postgres://u:s3cr3t@" + strings.Repeat("h", 254) + "/shop": "name a host and a database",
		"postgres://u:s3cr3t@\u202edb/shop":                         "name a host and a database",
		"postgres://u:s3cr3t@" + strings.Repeat("h,", 9) + "h/shop": "names more than 9 hosts",
	} {
		_, _, err := ParseDSN(dsn)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), password) {
			t.Errorf("%q is refused with %v, want %q", dsn, err, says)
		}
	}
}

func TestEndpointsAreThoseOfTheURLs(t *testing.T) {
	want := []Endpoint{{Etcd, "etcd-0:2379", "etcd-0:2379"}, {PlainEtcd, "10.0.0.7:2379", "10.0.0.7:2379"}}
	if got := OfURLs([]string{"https://etcd-0:2379", "http://10.0.0.7:2379"}); !slices.Equal(got, want) {
		t.Errorf("they are %v", got)
	}
	if got := OfDSN(""); got != nil {
		t.Errorf("without a data source name they are %v", got)
	}
	if got := Standalone(AddressOf("wardle-etcd.ns.svc"), "fd00::1"); got.Dial != "[fd00::1]:2379" {
		t.Errorf("a standalone etcd is at %v", got)
	}
}

// material returns the data of a Secret for clients of the CA.
func material(t *testing.T) map[string][]byte {
	t.Helper()
	signer, err := pki.NewSigner("test", noon, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := signer.Issue(pki.Request{
		DNSNames: []string{"client"}, KeyAlgorithm: v1alpha1.KeyECDSA256, ForClients: true, Validity: time.Hour,
	}, noon)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		manifests.CABundleKey: signer.Certificate, corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key,
		"unused": []byte("?"),
	}
}

var (
	etcd = &v1alpha1.Storage{Etcd: &v1alpha1.EtcdStorage{}}
	sql  = &v1alpha1.Storage{SQL: &v1alpha1.SQLStorage{}}
)

func with(data map[string][]byte, key, value string) map[string][]byte {
	changed := maps.Clone(data)
	changed[key] = []byte(value)
	return changed
}

func TestOnlyValidContentOfASecretIsUsed(t *testing.T) {
	valid, otherKey := material(t), string(material(t)[corev1.TLSPrivateKeyKey])
	database := with(valid, manifests.DSNKey, "postgres://u:s3cr3t@db/shop")
	for name, test := range map[string]struct {
		storage *v1alpha1.Storage
		data    map[string][]byte
		says    string
	}{
		"an etcd with a client certificate": {etcd, valid, ""},
		"a database with everything":        {sql, database, ""},
		"a database alone": {
			sql, map[string][]byte{manifests.DSNKey: []byte("mysql://u@tcp(db)/shop")}, "",
		},
		"an etcd without a CA":                  {etcd, with(valid, manifests.CABundleKey, ""), "ca.crt is missing"},
		"a CA that is none":                     {etcd, with(valid, manifests.CABundleKey, "?"), "ca.crt: "},
		"a certificate without a key":           {etcd, with(valid, corev1.TLSPrivateKeyKey, ""), "tls.key is missing"},
		"a key without a certificate":           {etcd, with(valid, corev1.TLSCertKey, ""), "tls.crt is missing"},
		"a key of another one":                  {etcd, with(valid, corev1.TLSPrivateKeyKey, otherKey), "tls"},
		"a database without a data source name": {sql, valid, "dsn must begin with"},
		"a data source name without an end":     {sql, with(valid, manifests.DSNKey, strings.Repeat("x", 9<<10)), "dsn"},
	} {
		t.Run(name, func(t *testing.T) {
			used, err := Provided(test.storage, test.data, noon)
			if test.says == "" {
				if err != nil || used["unused"] != nil {
					t.Errorf("it is refused, or more than is needed is used: %v, %v", err, used)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want %q", err, test.says)
			}
		})
	}
	if _, err := Provided(etcd, valid, noon.Add(2*time.Hour)); err == nil {
		t.Error("an expired certificate is used")
	}
}

func TestPodsAreReplacedForWhatTheyReadOnce(t *testing.T) {
	stored := WithRevision(etcd, nil, material(t), noon)
	storedDSN := WithRevision(sql, nil, with(material(t), manifests.DSNKey, "a"), noon)
	for name, test := range map[string]struct {
		storage        *v1alpha1.Storage
		stored, wanted map[string][]byte
		replaced       bool
	}{
		"nothing is new":                {etcd, stored, stored, false},
		"a certificate and key of etcd": {etcd, stored, with(with(stored, "tls.crt", "b"), "tls.key", "b"), false},
		"a CA of etcd":                  {etcd, stored, with(stored, "ca.crt", "b"), true},
		"a certificate where there was none": {
			etcd, with(stored, "tls.crt", ""), stored, true,
		},
		"a data source name":           {sql, storedDSN, with(storedDSN, manifests.DSNKey, "b"), true},
		"a certificate for a database": {sql, storedDSN, with(storedDSN, "tls.crt", "b"), true},
	} {
		after := WithRevision(test.storage, test.stored, test.wanted, noon.Add(time.Minute))
		replaced := string(after[manifests.RevisionKey]) != string(test.stored[manifests.RevisionKey])
		if replaced != test.replaced {
			t.Errorf("%s: Pods are replaced: %t", name, replaced)
		}
	}
}

func TestAnEtcdIsDefragmentedWhereThatIsWorthIt(t *testing.T) {
	const quota = 1000 << 20
	for name, test := range map[string]struct {
		usage             Usage
		defragmented, let bool
	}{
		"little is used":                {Usage{Size: 10 << 20, InUse: 1 << 20}, false, false},
		"much is free":                  {Usage{Size: 500 << 20, InUse: 100 << 20}, true, false},
		"half is in use":                {Usage{Size: 500 << 20, InUse: 300 << 20}, false, false},
		"it is full":                    {Usage{Size: quota, InUse: 950 << 20, Full: true}, false, false},
		"it was full, and is not":       {Usage{Size: quota, InUse: 700 << 20, Full: true}, true, false},
		"it was full, and is shrunk":    {Usage{Size: 700 << 20, InUse: 700 << 20, Full: true}, false, true},
		"it is shrunk, but nearly full": {Usage{Size: 850 << 20, InUse: 850 << 20, Full: true}, false, false},
	} {
		defragmented, let := test.usage.NeedsDefragmentation(quota), test.usage.MayWrite(quota)
		if defragmented != test.defragmented || let != test.let {
			t.Errorf("%s: it is defragmented: %t, and may be written to: %t", name, defragmented, let)
		}
	}
}

func TestAnEtcdThatStaysFullIsDefragmentedAgainAfterAWhile(t *testing.T) {
	for name, test := range map[string]struct {
		usage Usage
		since time.Duration
		again bool
	}{
		"a moment after":     {Usage{Full: true}, time.Second, false},
		"five minutes after": {Usage{Full: true}, 5 * time.Minute, true},
		"it is not full":     {Usage{}, time.Hour, false},
	} {
		if again := test.usage.MayHaveSpace(test.since); again != test.again {
			t.Errorf("%s: it is defragmented again: %t", name, again)
		}
	}
}

func TestALookIsGoodWhenEverythingWasLookedAtAndNothingFails(t *testing.T) {
	target := Target{
		Servers: map[types.UID]string{"a": "10.0.0.7:8443"}, Endpoints: []Endpoint{{Etcd, "etcd:2379", "etcd:2379"}},
	}
	look := func(check Check, answer Answer) Look {
		return Look{Servers: map[types.UID]Check{"a": check}, Endpoints: map[string]Answer{"etcd:2379": answer}}
	}
	for name, test := range map[string]struct {
		look Look
		well bool
	}{
		"all passes":                   {look(Passing, Answer{}), true},
		"a replica says nothing of it": {look(Silent, Answer{}), true},
		"a replica fails":              {look(Failing, Answer{}), false},
		"an endpoint fails":            {look(Passing, Answer{Err: errors.New("refused")}), false},
		"an endpoint has an alarm":     {look(Passing, Answer{Alarm: "NOSPACE"}), false},
		"a replica is new":             {Look{Endpoints: map[string]Answer{"etcd:2379": {}}}, false},
		"an endpoint is new":           {Look{Servers: map[types.UID]Check{"a": Passing}}, false},
	} {
		if well := target.IsWell(test.look); well != test.well {
			t.Errorf("%s: it is well: %t", name, well)
		}
	}
}
