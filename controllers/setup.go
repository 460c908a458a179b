// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/utils/clock"
	"k8s.io/utils/keymutex"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
	"github.com/extensionapi/extensionapi-operator/internal/act"
	"github.com/extensionapi/extensionapi-operator/internal/aggregation"
	"github.com/extensionapi/extensionapi-operator/internal/apply"
	"github.com/extensionapi/extensionapi-operator/internal/background"
	"github.com/extensionapi/extensionapi-operator/internal/discovery"
	"github.com/extensionapi/extensionapi-operator/internal/manifests"
	"github.com/extensionapi/extensionapi-operator/internal/objects"
	"github.com/extensionapi/extensionapi-operator/internal/observe"
	"github.com/extensionapi/extensionapi-operator/internal/ownership"
	"github.com/extensionapi/extensionapi-operator/internal/report"
	"github.com/extensionapi/extensionapi-operator/internal/sourcewatch"
	"github.com/extensionapi/extensionapi-operator/internal/storage"
)

// checksAtOnce bounds the ExtensionAPIs that are checked in the background at a time, by each kind of check.
const checksAtOnce = 16

// documentsAtOnce bounds the servers whose documents are read at a time: these are kept in memory meanwhile.
const documentsAtOnce = 2

// objectChecksAtOnce bounds the servers whose objects are requested at a time: after a restart of the operator, all
// are.
const objectChecksAtOnce = 4

// Settings are what the command line decides.
type Settings struct {
	// OperatorNamespace is where certificate authorities and the prober's ServiceAccount are.
	OperatorNamespace string
	// ProberServiceAccount is the identity of probes. A Secret of the same name has its tokens revoked when it is deleted.
	ProberServiceAccount string
	// ServerNamespaces are what CacheOptions was given.
	ServerNamespaces observe.ServerNamespaces
	// CertManager reports whether cert-manager's API may be used.
	CertManager bool
	StandIn     StandInSettings
	// Images are those of what the operator runs for the storage of servers.
	Images manifests.Images
	// Workers is how many ExtensionAPIs are reconciled at a time.
	Workers int
	// Metrics is where metrics are registered.
	Metrics prometheus.Registerer
}

// The metrics are for users that may get /metrics, which kube-apiserver decides.
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// SetUp makes mgr, which is made with CacheOptions and ClientOptions, reconcile ExtensionAPIs until ctx ends.
func SetUp(ctx context.Context, mgr ctrl.Manager, settings Settings) error {
	changes := make(chan event.GenericEvent)
	changed := func(name string) { enqueue(ctx, changes, name) }
	live, err := newLiveReader(mgr)
	if err != nil {
		return err
	}
	indexes := newIndexing(mgr.GetFieldIndexer())
	cached := indexedClient{mgr.GetClient(), indexes.done}
	watcher, err := newSourceWatcher(mgr, changed)
	if err != nil {
		return err
	}
	kubeAPIServers := aggregation.NewKubeAPIServers(mgr.GetConfig(), live, clock.RealClock{})
	observer := newObserver(ctx, mgr, cached, settings, live, kubeAPIServers, changed)
	if observer.StandIn, err = addStandIn(mgr, settings, live, kubeAPIServers, changed); err != nil {
		return err
	}
	metrics := report.NewMetrics(settings.Metrics, whileLeading(mgr, extensionAPIs{mgr.GetClient()}.all))
	reconciler := &Reconciler{
		Client:   cached,
		Observer: observer,
		Actor:    newActor(ctx, mgr, settings.Images, observer, watcher, kubeAPIServers, metrics, changed),
		Metrics:  metrics,
		Changed:  changes,
		Later: func(name string, after time.Duration) {
			clock.RealClock{}.AfterFunc(after, func() { changed(name) })
		},
		Events:  mgr.GetEventRecorder(ownership.FieldOwner),
		Clock:   clock.RealClock{},
		Workers: settings.Workers,
	}
	return errors.Join(mgr.Add(indexes), mgr.Add(observer.Prober), mgr.AddHealthzCheck("probes", observer.Prober.Healthy),
		mgr.Add(watcher), mgr.Add(observer.Freshness), reconciler.SetupWithManager(mgr))
}

// newObserver returns the Observer, with a Prober and a Freshness that are not added to mgr yet.
func newObserver(
	ctx context.Context, mgr ctrl.Manager, cached client.Client, settings Settings, live client.Reader,
	kubeAPIServers *aggregation.KubeAPIServers, changed func(name string),
) *observe.Observer {
	return &observe.Observer{
		Client:            cached,
		Live:              live,
		Clock:             clock.RealClock{},
		OperatorNamespace: settings.OperatorNamespace,
		ServerNamespaces:  settings.ServerNamespaces,
		CertManager:       settings.CertManager,
		Prober:            newProber(ctx, mgr, settings, kubeAPIServers, changed),
		Freshness:         newFreshness(ctx, cached, kubeAPIServers, changed),
		Handshakes:        background.NewChecks[observe.Handshakes](ctx, clock.RealClock{}, checksAtOnce, changed),
		Configurations:    background.NewChecks[aggregation.Configuration](ctx, clock.RealClock{}, checksAtOnce, changed),
		Causes:            background.NewChecks[observe.Causes](ctx, clock.RealClock{}, checksAtOnce, changed),
		Objects:           background.NewChecks[objects.Result](ctx, clock.RealClock{}, objectChecksAtOnce, changed),
		Storage:           background.NewChecks[storage.Look](ctx, clock.RealClock{}, checksAtOnce, changed),
	}
}

// newProber returns a Prober that probes with tokens of the prober's ServiceAccount, and registers its metrics.
func newProber(
	ctx context.Context, mgr ctrl.Manager, settings Settings,
	kubeAPIServers *aggregation.KubeAPIServers, changed func(name string),
) *discovery.Prober {
	identity := client.ObjectKey{Namespace: settings.OperatorNamespace, Name: settings.ProberServiceAccount}
	tokens := discovery.TokensOf(ctx, mgr.GetClient(), clock.RealClock{}, identity)
	prober := discovery.NewProber(
		clock.RealClock{}, kubeAPIServers.AnonymousClients, tokens, discovery.NewMetrics(settings.Metrics), changed)
	settings.Metrics.MustRegister(prober.Metric())
	return prober
}

// newFreshness returns a Freshness whose changes make each ExtensionAPI be reconciled that wants the group-version.
func newFreshness(
	ctx context.Context, reader client.Reader, kubeAPIServers *aggregation.KubeAPIServers, changed func(name string),
) *aggregation.Freshness {
	cached := extensionAPIs{reader}
	return aggregation.NewFreshness(kubeAPIServers, clock.RealClock{}, func(of schema.GroupVersion) {
		for _, request := range cached.wanting(ctx, of) {
			changed(request.Name)
		}
	})
}

// newActor returns the Actor, which shares the live reader, the Prober, and the checks of handshakes and configurations
// with the observer.
func newActor(
	ctx context.Context, mgr ctrl.Manager, images manifests.Images, observer *observe.Observer,
	watcher *sourcewatch.Watcher,
	kubeAPIServers *aggregation.KubeAPIServers, metrics *report.Metrics, changed func(name string),
) *act.Actor {
	return &act.Actor{
		Client:         mgr.GetClient(),
		Live:           observer.Live,
		Applier:        apply.New(mgr.GetClient(), observer.Live, clock.RealClock{}),
		Observer:       observer,
		Prober:         observer.Prober,
		Sources:        watcher,
		KubeAPIServers: kubeAPIServers,
		Layer:          aggregation.NewLayer(kubeAPIServers, observer.Live, clock.RealClock{}),
		Handshakes:     observer.Handshakes,
		Configurations: observer.Configurations,
		Causes:         observer.Causes,
		Objects:        observer.Objects,
		Storage:        observer.Storage,
		Images:         images,
		Counts:         background.NewChecks[[]aggregation.Objects](ctx, clock.RealClock{}, checksAtOnce, changed),
		Served:         background.NewChecks[act.StillServed](ctx, clock.RealClock{}, checksAtOnce, changed),
		Documents:      background.NewChecks[act.Documents](ctx, clock.RealClock{}, documentsAtOnce, changed),
		Clock:          clock.RealClock{},
		Ejected:        metrics.CountEjection,
		Switched:       metrics.CountSwitch,
		Registering:    keymutex.NewHashed(0),
	}
}

// whileLeading returns a list that is empty on a standby, or each series would be there twice.
func whileLeading(
	mgr ctrl.Manager, list func(context.Context) ([]v1alpha1.ExtensionAPI, error),
) func(context.Context) ([]v1alpha1.ExtensionAPI, error) {
	return func(ctx context.Context) ([]v1alpha1.ExtensionAPI, error) {
		select {
		case <-mgr.Elected():
			return list(ctx)
		default:
			return nil, nil
		}
	}
}

func newSourceWatcher(mgr ctrl.Manager, changed func(name string)) (*sourcewatch.Watcher, error) {
	objects, err := metadata.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	return sourcewatch.New(objects, changed), err
}

// enqueue makes the ExtensionAPI be reconciled.
func enqueue(ctx context.Context, changes chan<- event.GenericEvent, name string) {
	object := &v1alpha1.ExtensionAPI{ObjectMeta: metav1.ObjectMeta{Name: name}}
	select {
	case <-ctx.Done():
	case changes <- event.GenericEvent{Object: object}:
	}
}
