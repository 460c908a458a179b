// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
)

const group = "shop.example.com"

var (
	noon   = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	v1, v2 = schema.GroupVersion{Group: group, Version: "v1"}, schema.GroupVersion{Group: group, Version: "v2"}
	self   = claimant("own", noon, v1)
	// sharing is self, but shares the group with other owners.
	sharing = share(self)
)

func claimant(name string, created time.Time, wants ...schema.GroupVersion) Claimant {
	return Claimant{
		Identity: ownership.Identity{Name: name, UID: types.UID(name + "-uid")}, Created: created, Wants: wants,
		Namespace: name, Service: name,
	}
}

func share(c Claimant) Claimant {
	c.Shares = sets.New(group)
	return c
}

// registered returns a Snapshot with the APIService of a group-version with these marks.
func registered(groupVersion schema.GroupVersion, marks ...func(*apiregistrationv1.APIService)) Snapshot {
	existing := &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: manifests.APIServiceName(groupVersion)},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: groupVersion.Group, Version: groupVersion.Version,
			Service: &apiregistrationv1.ServiceReference{Namespace: "own", Name: "own"},
		},
	}
	for _, mark := range marks {
		mark(existing)
	}
	return Snapshot{APIServices: []*apiregistrationv1.APIService{existing}}
}

func labelled(key, value string) func(*apiregistrationv1.APIService) {
	return func(a *apiregistrationv1.APIService) { metav1.SetMetaDataLabel(&a.ObjectMeta, key, value) }
}

// of sets the marks of an ExtensionAPI.
func of(name string) func(*apiregistrationv1.APIService) { return ofUID(name, name+"-uid") }

func ofUID(name, uid string) func(*apiregistrationv1.APIService) {
	return func(a *apiregistrationv1.APIService) {
		labelled(manifests.OwnerLabel, name)(a)
		metav1.SetMetaDataAnnotation(&a.ObjectMeta, manifests.UIDAnnotation, uid)
	}
}

func ofHelm(a *apiregistrationv1.APIService) {
	metav1.SetMetaDataAnnotation(&a.ObjectMeta, "meta.helm.sh/release-name", "shop")
	metav1.SetMetaDataAnnotation(&a.ObjectMeta, "meta.helm.sh/release-namespace", "prod")
}

func builtIn(a *apiregistrationv1.APIService) {
	labelled("kube-aggregator.kubernetes.io/automanaged", "onstart")(a)
}

func ofNewDefinition(a *apiregistrationv1.APIService) {
	labelled("kube-aggregator.kubernetes.io/automanaged", "true")(a)
}

func pointingElsewhere(a *apiregistrationv1.APIService) { a.Spec.Service.Name = "elsewhere" }

func local(a *apiregistrationv1.APIService) { a.Spec.Service = nil }

func applied(a *apiregistrationv1.APIService) {
	a.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: ownership.FieldOwner, Operation: metav1.ManagedFieldsOperationApply},
	}
}

func (w Snapshot) with(claimants ...Claimant) Snapshot {
	w.Claimants = append(slices.Clip(w.Claimants), claimants...)
	return w
}

func (w Snapshot) and(definitions ...Definition) Snapshot {
	w.Definitions = append(slices.Clip(w.Definitions), definitions...)
	return w
}

// minutesLater sets the time to that many minutes after noon.
func (w Snapshot) minutesLater(minutes int) Snapshot {
	w.Now = noon.Add(time.Duration(minutes) * time.Minute)
	return w
}

func definition(groupVersion schema.GroupVersion) Definition {
	return Definition{Name: "things." + group, GroupVersion: groupVersion, Served: true}
}

var standings = map[Standing]string{
	Granted: "granted", Contested: "contested by ", Held: "held by ", HeldAdoptable: "adoptable from ",
}

type claimTest struct {
	name     string
	claimant Claimant
	cluster  Snapshot
	// want is a prefix of the standing, followed by the other owner.
	want string
}

func checkClaims(t *testing.T, tests []claimTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.cluster.Now.IsZero() {
				test.cluster.Now = noon
			}
			claim := Of(test.claimant, v1, test.cluster.with(test.claimant))
			if got := standings[claim.Standing] + claim.Owner.Words; !strings.HasPrefix(got, test.want) {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
}

func TestClaimsOfAGroupVersion(t *testing.T) {
	older, younger := claimant("another", noon.Add(-time.Minute), v1), claimant("another", noon.Add(time.Minute), v1)
	terminating := older
	terminating.Terminating = true
	notServed := definition(v1)
	notServed.Served = false
	adopting := self
	adopting.Adopts = true
	checkClaims(t, []claimTest{
		{"free", self, Snapshot{}, "granted"},
		{"own", self, registered(v1, of("own")), "granted"},
		{"own, without its label", self, registered(v1, applied), "granted"},
		{"own, although an older one wants it", self, registered(v1, of("own")).with(older), "granted"},
		{"own without its label, although an older one wants it", self, registered(v1, applied).with(older), "granted"},
		{"once own, then orphaned to Helm", self, registered(v1, applied, ofHelm), "adoptable from Helm release"},
		{
			"once own, then pointed elsewhere", self, registered(v1, applied, pointingElsewhere),
			"adoptable from another owner",
		},
		{"own, and marked by Helm", self, registered(v1, of("own"), ofHelm), `contested by Helm release "prod/shop"`},

		{"a definition's", self, Snapshot{}.and(definition(v1)), `held by CustomResourceDefinition "things.shop`},
		{
			"a definition's that does not serve it", self, Snapshot{}.and(notServed),
			`held by CustomResourceDefinition "things.shop.example.com", which has the version, but does not serve it now`,
		},
		{
			"a definition's that kube-apiserver has registered", self, registered(v1, ofNewDefinition).and(definition(v1)),
			"held by CustomResourceDefinition",
		},
		{"own, and a later definition's", self, registered(v1, of("own")).and(definition(v1)), "contested by CustomRes"},

		{"built in", self, registered(v1, builtIn), "held by Kubernetes itself (a bu"},
		{"kube-apiserver's, with own marks", self, registered(v1, of("own"), ofNewDefinition), "held by Kubernetes itself"},
		{"local", self, registered(v1, local), "held by kube-apiserver, which serves it itself"},

		{"Helm's", self, registered(v1, ofHelm), `adoptable from Helm release "prod/shop"`},
		{"OLM's", self, registered(v1, labelled("olm.owner", "shop.v1")), "adoptable from the Operator Lifecycle"},
		{"of an unknown owner", self, registered(v1), "adoptable from another owner"},
		{
			"of an unknown owner, while an older one wants it", self, registered(v1).with(older),
			`held by another owner, and ExtensionAPI "another", which is older`,
		},

		{
			"orphaned by one that no longer exists", self, registered(v1, of("another")),
			`adoptable from ExtensionAPI "another", which no longer exists`,
		},
		{
			"orphaned by an earlier one of the same name", self, registered(v1, ofUID("own", "earlier")),
			`adoptable from an earlier ExtensionAPI "own", which was deleted`,
		},
		{"orphaned by an earlier one, and adopted", adopting, registered(v1, ofUID("own", "earlier")), "granted"},
		{
			"registered by a younger one", self, registered(v1, of("another")).with(younger),
			`held by ExtensionAPI "another", which has registered it`,
		},
		{
			"registered by one whose label is lost", self, registered(v1, ofUID("", "another-uid")).with(younger),
			`held by ExtensionAPI "another", which has registered it`,
		},
		{
			"registered by one that is being deleted", self, registered(v1, of("another")).with(terminating),
			`held by ExtensionAPI "another", which has registered it`,
		},
		{"wanted by an older one", self, Snapshot{}.with(older), `held by ExtensionAPI "another", which is older`},
		{"wanted by a younger one", self, Snapshot{}.with(younger), "granted"},
		{
			"wanted by one of the same second", self, Snapshot{}.with(claimant("another", noon, v1)),
			`held by ExtensionAPI "another"`,
		},
		{"no longer wanted", self, Snapshot{}.with(terminating), "granted"},
	})
}

func TestGroupsAreNotSplitUnlessShared(t *testing.T) {
	older := claimant("another", noon.Add(-time.Minute), v2)
	registrant := registered(v2, of("another")).with(older)
	mine := registered(v1, of("own"))
	both := mine
	both.APIServices = slices.Concat(mine.APIServices, registrant.APIServices)
	others := definition(v2)
	others.Name, others.GroupVersion.Group = "things.other.example.com", "other.example.com"
	checkClaims(t, []claimTest{
		{
			"a definition has another version", self, Snapshot{}.and(definition(v2)),
			`held by CustomResourceDefinition "things.shop.example.com", which has v2 of the group`,
		},
		{"a definition has another version, and it is shared", sharing, Snapshot{}.and(definition(v2)), "granted"},
		{"a definition has this version, and it is shared", sharing, Snapshot{}.and(definition(v1)), "held by CustomRes"},
		{"a definition has another group", self, Snapshot{}.and(others), "granted"},
		{
			"several definitions, always the same one is reported", self,
			Snapshot{}.and(Definition{Name: "zebras", GroupVersion: v2}, Definition{Name: "apes", GroupVersion: v2}),
			`held by CustomResourceDefinition "apes"`,
		},
		{"a definition comes later", self, mine.and(definition(v2)), `contested by CustomResourceDefinition`},
		{"a definition comes later, and it is shared", sharing, mine.and(definition(v2)), "granted"},

		{
			"Kubernetes serves another version", self, registered(v2, builtIn),
			"held by Kubernetes itself (a built-in group), which serves v2 of the group",
		},
		{"another version is local", self, registered(v2, local), "held by kube-apiserver, which serves v2 of the group"},
		{"another version is local, and it is shared", sharing, registered(v2, local), "granted"},
		{"another version is Helm's", self, registered(v2, ofHelm), "granted"},
		{"another version is OLM's", self, registered(v2, labelled("olm.owner", "shop.v1")), "granted"},
		{"another version is of an unknown owner", self, registered(v2), "granted"},
		{"another version was orphaned by one that no longer exists", self, registered(v2, of("another")), "granted"},
		{"another version is own", self, registered(v2, of("own")), "granted"},

		{
			"another ExtensionAPI has registered another version", self, registrant,
			`held by ExtensionAPI "another", which has registered v2 of the group`,
		},
		{"the same, and it is shared", sharing, registrant, "granted"},
		{
			"an older one wants another version", self, Snapshot{}.with(older),
			`held by ExtensionAPI "another", which is older (created 2026-01-01T11:59:00Z) and claims v2 of the group, ` +
				"and has precedence until 2026-01-01T12:09:00Z",
		},
		{"the same, and it is shared", sharing, Snapshot{}.with(older), "granted"},
		{
			"an older one wants another version, while the own one is registered", self, registered(v2, of("own")).with(older),
			"granted",
		},
		{
			"both have registered a version", self, both.with(older),
			`contested by ExtensionAPI "another", which has registered v2 of the group`,
		},
		{"both have, and the other one shares it", self, both.with(share(older)), "granted"},
	})
}

func TestPrecedenceLapsesIfAGroupIsNeverServed(t *testing.T) {
	unserved := claimant("another", noon.Add(-time.Minute), v1)
	for minutes, want := range map[int]Standing{0: Held, 8: Held, 9: Granted, 100: Granted} {
		claim := Of(self, v1, Snapshot{}.with(self, unserved).minutesLater(minutes))
		if claim.Standing != want {
			t.Errorf("after %d minutes it is %s%s", minutes, standings[claim.Standing], claim.Owner)
		}
		if until := noon.Add(9 * time.Minute); want == Held && claim.Until != until {
			t.Errorf("after %d minutes it is held until %s, want %s", minutes, claim.Until, until)
		}
	}
	served := unserved
	served.Served = sets.New(group)
	claim := Of(self, v1, Snapshot{}.with(self, served).minutesLater(100))
	if claim.Standing != Held || !claim.Until.IsZero() {
		t.Errorf("the group that the older one has just lost is %s until %s", standings[claim.Standing], claim.Until)
	}
	if claim := Of(unserved, v1, registered(v1, of("own")).with(self, unserved).minutesLater(9)); claim.Standing != Held {
		t.Errorf("after the younger one is served, the older one's claim is %s", standings[claim.Standing])
	}
	claim = Of(self, v1, registered(v1, of("another")).with(self, unserved).minutesLater(100))
	if claim.Standing != Held {
		t.Errorf("the group that the older one serves is %s later", standings[claim.Standing])
	}
}

func TestAPIServicesWithoutMarksHaveOneOwner(t *testing.T) {
	older, younger := claimant("older", noon, v1), claimant("younger", noon.Add(time.Second), v1)
	older.Namespace, older.Service = "own", "own"
	younger.Namespace, younger.Service = "own", "own"
	cluster := registered(v1, applied).with(younger, older)
	if !cluster.Owns(older, cluster.APIServices[0]) || cluster.Owns(younger, cluster.APIServices[0]) {
		t.Error("it does not belong to the older one only")
	}
	older.Wants = []schema.GroupVersion{v2}
	cluster.Claimants = []Claimant{older, younger}
	if cluster.Owns(older, cluster.APIServices[0]) || !cluster.Owns(younger, cluster.APIServices[0]) {
		t.Error("it does not belong to the only one that wants it")
	}
}

func TestUnwantedVersionsAreStillRegistered(t *testing.T) {
	cluster := registered(v2, of("own")).with(self)
	cluster.APIServices = append(cluster.APIServices, registered(v1, ofUID("own", "earlier")).APIServices...)
	if own := cluster.RegisteredBy(self); len(own) != 1 || own[0].Name != manifests.APIServiceName(v2) {
		t.Errorf("registered are %v", own)
	}
}

func TestOnlyWantedVersionsAreAdopted(t *testing.T) {
	adopting := self
	adopting.Adopts, adopting.Wants = true, []schema.GroupVersion{v1}
	cluster := registered(v1, ofUID("own", "earlier")).with(adopting)
	cluster.APIServices = append(cluster.APIServices, registered(v2, ofUID("own", "earlier")).APIServices...)
	if own := cluster.RegisteredBy(adopting); len(own) != 1 || own[0].Name != manifests.APIServiceName(v1) {
		t.Errorf("adopted are %v", own)
	}
}

func TestExactlyOneClaimantWinsRegardlessOfOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // deterministic
	for range 200 {
		var claimants []Claimant
		for _, name := range []string{"a", "b", "c", "d"} {
			created := noon.Add(time.Duration(random.IntN(2)) * time.Second)
			claimants = append(claimants, claimant(name, created, []schema.GroupVersion{v1, v2}[random.IntN(2)]))
		}
		first := winners(claimants)
		random.Shuffle(len(claimants), func(i, j int) { claimants[i], claimants[j] = claimants[j], claimants[i] })
		if again := winners(claimants); len(first) != 1 || len(again) != 1 || first[0] != again[0] {
			t.Fatalf("of %v, %q won, then %q", claimants, first, again)
		}
	}
}

func winners(claimants []Claimant) []string {
	var result []string
	for _, claimant := range claimants {
		if Of(claimant, claimant.Wants[0], Snapshot{Now: noon, Claimants: claimants}).Standing == Granted {
			result = append(result, claimant.Name)
		}
	}
	return result
}
