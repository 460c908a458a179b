// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/e2e-framework/klient/wait"
	"sigs.k8s.io/e2e-framework/pkg/envconf"

	"github.com/extensionapi/extensionapi-operator/api/v1alpha1"
)

// userName is a user who may use the APIs of the tests' servers and nothing else. An administrator would be admitted
// even by a server whose authorization fails.
const userName = "e2e-user"

// Clients of the cluster, with the administrator's permissions except for user.
var (
	kube       client.Client
	objects    dynamic.Interface
	names      metadata.Interface
	discoverer discovery.DiscoveryInterface
	user       dynamic.Interface
	userConfig *rest.Config
	// adminConfig is that of the other clients.
	adminConfig *rest.Config
)

func connect(ctx context.Context, cfg *envconf.Config) (context.Context, error) {
	kubeClient, err := cfg.NewClient()
	if err != nil {
		return ctx, err
	}
	config := rest.CopyConfig(kubeClient.RESTConfig())
	config.QPS = -1                           // only kube-apiserver's own limits apply
	config.WarningHandler = rest.NoWarnings{} // deprecated kinds and versions are used intentionally
	adminConfig, userConfig = config, rest.CopyConfig(config)
	userConfig.Impersonate.UserName = userName
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(apiextensionsv1.AddToScheme(scheme))
	utilruntime.Must(apiregistrationv1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	if kube, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return ctx, err
	}
	if objects, err = dynamic.NewForConfig(config); err != nil {
		return ctx, err
	}
	if names, err = metadata.NewForConfig(config); err != nil {
		return ctx, err
	}
	if user, err = dynamic.NewForConfig(userConfig); err != nil {
		return ctx, err
	}
	discoverer, err = discovery.NewDiscoveryClientForConfig(config)
	return ctx, err
}

func allowUser(ctx context.Context, _ *envconf.Config) (context.Context, error) {
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: userName},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{flunderGroup, dividedGroup}, Resources: []string{"flunders", "widgets"},
			Verbs: []string{"create", "get", "list", "delete"},
		}},
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: userName},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: userName},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: userName}},
	}
	if err := client.IgnoreAlreadyExists(kube.Create(ctx, role)); err != nil {
		return ctx, err
	}
	return ctx, client.IgnoreAlreadyExists(kube.Create(ctx, binding))
}

// kubectl runs kubectl in the repository's directory and returns its standard output.
func kubectl(tb testing.TB, args ...string) string {
	tb.Helper()
	printed, err := output(tb.Context(), "kubectl", args...)
	if err != nil {
		tb.Fatal(err)
	}
	return printed
}

// eventually waits until check succeeds, and returns how long that took. If it does not succeed within limit, the test
// fails with its last error.
func eventually(tb testing.TB, limit time.Duration, check func(context.Context) error) time.Duration {
	tb.Helper()
	took, err := poll(tb.Context(), limit, check)
	if err != nil {
		tb.Fatal(err)
	}
	return took
}

func poll(ctx context.Context, limit time.Duration, check func(context.Context) error) (time.Duration, error) {
	return pollEvery(ctx, 100*time.Millisecond, limit, check)
}

func pollEvery(
	ctx context.Context, interval, limit time.Duration, check func(context.Context) error,
) (time.Duration, error) {
	start := time.Now()
	var last error
	err := wait.For(func(ctx context.Context) (bool, error) {
		err := check(ctx)
		if err == nil || ctx.Err() == nil { // an error caused by the timeout is of no use
			last = err
		}
		return err == nil, nil
	}, wait.WithContext(ctx), wait.WithTimeout(limit), wait.WithInterval(interval), wait.WithImmediate())
	if err != nil {
		return 0, fmt.Errorf("still failing after %s: %w", limit, last)
	}
	return time.Since(start).Round(10 * time.Millisecond), nil
}
