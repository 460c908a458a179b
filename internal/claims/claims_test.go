// SPDX-License-Identifier: Apache-2.0

package claims

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"

	"github.com/extensionapi/extensionapi-operator/internal/holder"
)

const label = "owner"

var (
	noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	v1   = schema.GroupVersion{Group: "shop.example.com", Version: "v1"}
	me   = Claimant{
		Name: "me", Created: noon, Wants: []schema.GroupVersion{v1}, Namespace: "shop", Service: "shop",
	}
)

// registered is the APIService of v1 with these marks.
func registered(marks ...func(*apiregistrationv1.APIService)) map[schema.GroupVersion]*apiregistrationv1.APIService {
	existing := &apiregistrationv1.APIService{Spec: apiregistrationv1.APIServiceSpec{
		Service: &apiregistrationv1.ServiceReference{Namespace: "shop", Name: "shop"},
	}}
	for _, mark := range marks {
		mark(existing)
	}
	return map[schema.GroupVersion]*apiregistrationv1.APIService{v1: existing}
}

func labelled(keysAndValues ...string) func(*apiregistrationv1.APIService) {
	return func(a *apiregistrationv1.APIService) {
		a.Labels = map[string]string{}
		for i := 0; i < len(keysAndValues); i += 2 {
			a.Labels[keysAndValues[i]] = keysAndValues[i+1]
		}
	}
}

func ofHelm(a *apiregistrationv1.APIService) {
	a.Annotations = map[string]string{"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "prod"}
}

func definition(served bool) []Definition {
	return []Definition{{Name: "things.shop.example.com", GroupVersion: v1, Served: served}}
}

func another(created time.Time) Claimant {
	return Claimant{Name: "another", Created: created, Wants: []schema.GroupVersion{v1}}
}

func TestAGroupVersionIsWhoseItIs(t *testing.T) {
	const autoManaged = "kube-aggregator.kubernetes.io/automanaged"
	older, younger := another(noon.Add(-time.Hour)), another(noon.Add(time.Hour))
	leaving, elsewhere := older, older
	leaving.Leaving = true
	elsewhere.Wants = []schema.GroupVersion{{Group: v1.Group, Version: "v2"}}
	ofAnother := registered(labelled(label, "another"))
	mine := registered(labelled(label, "me"))
	mineOfHelm := registered(labelled(label, "me"), ofHelm)
	otherVersion := []Definition{{Name: "things", GroupVersion: schema.GroupVersion{Group: v1.Group, Version: "v2"}}}
	for _, test := range []struct {
		name  string
		world World
		// want begins with the standing, and goes on with the holder.
		want string
	}{
		{"nobody's", World{}, "granted"},
		{"mine", World{APIServices: mine}, "granted"},
		{"mine, without its label", World{APIServices: registered(applied)}, "granted"},
		{"mine once, then left to Helm", World{APIServices: registered(applied, ofHelm)}, "adoptable from Helm release"},
		{"mine once, then led elsewhere", World{APIServices: registered(applied, elsewhereLed)}, "adoptable from somebody"},

		{"a definition's", World{Definitions: definition(true)}, `held by CustomResourceDefinition "things.shop`},
		{
			"a definition's that does not serve it",
			World{Definitions: definition(false)},
			`held by CustomResourceDefinition "things.shop.example.com", which has the version, but does not serve it now`,
		},
		{
			"a definition's that kube-apiserver has registered",
			World{APIServices: registered(labelled(autoManaged, "true")), Definitions: definition(true)},
			"held by CustomResourceDefinition",
		},
		{"a definition's of another version", World{Definitions: otherVersion}, "granted"},
		{"mine, and a later definition's", World{APIServices: mine, Definitions: definition(true)}, "contested by CustomRes"},

		{"built in", World{APIServices: registered(labelled(autoManaged, "onstart"))}, "held by Kubernetes itself (a bu"},
		{
			"kube-apiserver's, with my label on it",
			World{APIServices: registered(labelled(autoManaged, "true", label, "me"))},
			"held by Kubernetes itself",
		},
		{"local", World{APIServices: registered(local)}, "held by kube-apiserver, which serves it itself"},

		{"Helm's", World{APIServices: registered(ofHelm)}, `adoptable from Helm release "prod/shop"`},
		{"OLM's", World{APIServices: registered(labelled("olm.owner", "shop.v1"))}, "adoptable from the Operator Lifecycle"},
		{"somebody's", World{APIServices: registered()}, "adoptable from somebody else"},
		{
			"somebody's, while an older one wants it",
			World{APIServices: registered(), Claimants: []Claimant{me, older}},
			`held by somebody else, and ExtensionAPI "another",`,
		},
		{"mine, and marked as Helm's", World{APIServices: mineOfHelm}, `contested by Helm release "prod/shop"`},

		{"left by one that is gone", World{APIServices: ofAnother, Claimants: []Claimant{me}}, "adoptable from ExtensionAPI"},
		{
			"registered by a younger one",
			World{APIServices: ofAnother, Claimants: []Claimant{me, younger}},
			`held by ExtensionAPI "another", which has registered it`,
		},
		{
			"registered by one that is being deleted",
			World{APIServices: ofAnother, Claimants: []Claimant{me, leaving}},
			`held by ExtensionAPI "another", which has registered it`,
		},
		{"wanted by an older one", World{Claimants: []Claimant{me, older}}, `held by ExtensionAPI "another", which is older`},
		{"wanted by a younger one", World{Claimants: []Claimant{me, younger}}, "granted"},
		{"wanted by one of the same second", World{Claimants: []Claimant{me, another(noon)}}, `held by ExtensionAPI "anoth`},
		{"not wanted any more", World{Claimants: []Claimant{me, leaving}}, "granted"},
		{"wanted in another version", World{Claimants: []Claimant{me, elsewhere}}, "granted"},
		{"mine, although an older one wants it", World{APIServices: mine, Claimants: []Claimant{me, older}}, "granted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.world.OwnerLabel = label
			claim := Of(me, v1, test.world)
			if got := standings[claim.Standing] + claim.Holder.Words; !strings.HasPrefix(got, test.want) {
				t.Errorf("it is %s, want %s", got, test.want)
			}
		})
	}
}

var standings = map[Standing]string{
	Granted: "granted", Contested: "contested by ", Held: "held by ", HeldAdoptable: "adoptable from ",
}

func elsewhereLed(a *apiregistrationv1.APIService) { a.Spec.Service.Name = "elsewhere" }

func local(a *apiregistrationv1.APIService) { a.Spec.Service = nil }

func applied(a *apiregistrationv1.APIService) {
	a.ManagedFields = []metav1.ManagedFieldsEntry{
		{Manager: holder.FieldOwner, Operation: metav1.ManagedFieldsOperationApply},
	}
}

func TestOfAnyNumberOfClaimantsExactlyOneWinsAndAlwaysTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // the same each time
	for range 200 {
		var claimants []Claimant
		for _, name := range []string{"a", "b", "c", "d"} {
			created := noon.Add(time.Duration(random.IntN(2)) * time.Second)
			claimants = append(claimants, Claimant{Name: name, Created: created, Wants: []schema.GroupVersion{v1}})
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
		if Of(claimant, v1, World{OwnerLabel: label, Claimants: claimants}).Standing == Granted {
			result = append(result, claimant.Name)
		}
	}
	return result
}
