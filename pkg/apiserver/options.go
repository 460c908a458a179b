// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/util/compatibility"
	basecompatibility "k8s.io/component-base/compatibility"
)

// Options are the flags of a server: those of k8s.io/apiserver's RecommendedOptions that apply to an aggregated API.
// Without a resource in etcd there are none for etcd. Authentication and authorization are delegated to kube-apiserver,
// the cluster's admission policies and webhooks are called, and its FlowSchemas are observed.
type Options struct {
	*genericoptions.RecommendedOptions
}

// NewOptions returns the defaults.
func NewOptions(server Server) *Options {
	recommended := genericoptions.NewRecommendedOptions("/registry/"+server.Name, nil)
	// Who requests what of the API is in kube-apiserver's own audit log and traces, and its address is inside the cluster.
	recommended.Audit, recommended.Traces, recommended.EgressSelector = nil, nil, nil
	if !usesEtcd(server.Resources) {
		recommended.Etcd = nil
	}
	return &Options{recommended}
}

// AddFlags adds the flags.
func (o *Options) AddFlags(flags *pflag.FlagSet) { o.RecommendedOptions.AddFlags(flags) }

// config is the configuration that the flags result in.
func (o *Options) config(server Server, types *types) (*genericapiserver.RecommendedConfig, error) {
	// For development: the operator passes the certificate that it issues.
	if err := o.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{{127, 0, 0, 1}}); err != nil {
		return nil, err
	}
	types.storeIn(o.Etcd)
	config := server.newConfig(types)
	return config, o.ApplyTo(config)
}

// storeIn has objects encoded in the version of the resource's type.
func (t *types) storeIn(etcd *genericoptions.EtcdOptions) {
	if etcd == nil {
		return
	}
	etcd.StorageConfig.Codec = t.codecs.LegacyCodec(t.hubs...)
	etcd.StorageConfig.EncodeVersioner = schema.GroupVersions(t.hubs)
}

// newConfig is the configuration before any option is applied.
func (s Server) newConfig(types *types) *genericapiserver.RecommendedConfig {
	config := genericapiserver.NewRecommendedConfig(types.codecs)
	config.FeatureGate = compatibility.DefaultComponentGlobalsRegistry.
		FeatureGateFor(basecompatibility.DefaultKubeComponent)
	config.EffectiveVersion = compatibility.DefaultComponentGlobalsRegistry.
		EffectiveVersionFor(basecompatibility.DefaultKubeComponent)
	namer := openapi.NewDefinitionNamer(types.scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(s.OpenAPI, namer)
	config.OpenAPIConfig.Info.Title = s.Name
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(s.OpenAPI, namer)
	config.OpenAPIV3Config.Info.Title = s.Name
	return config
}

func usesEtcd(resources []Resource) bool {
	for _, resource := range resources {
		if resource.UsesEtcd() {
			return true
		}
	}
	return false
}
