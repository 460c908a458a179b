# SPDX-License-Identifier: Apache-2.0

VERSION      ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMG          ?= ghcr.io/extensionapi/extensionapi-operator:$(VERSION)
CLUSTER      ?= node
CLUSTER_NAME ?= extensionapi
export CLUSTER CLUSTER_NAME IMG

# Everything is built with the Go version that releases are built with, regardless of the one that is installed.
export GOTOOLCHAIN := $(shell sed -n 's/^toolchain //p' go.mod)

SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

MODULES  := $(dir $(wildcard go.mod pkg/go.mod hack/*/go.mod hack/*/*/go.mod))
TOOLS    := bin/tools
OPERATOR := bin/extensionapi-operator
IMAGES   := bin/images
CHART    := charts/extensionapi-operator
NODE     := go run -C hack/cluster .

CERT_MANAGER := bin/cert-manager

# Built once per clone; builds in a second clone are fast because of Go's build cache.
$(TOOLS)/%: hack/tools/go.mod hack/tools/go.sum $(wildcard hack/tools/*/*.go)
	@echo "Building $*: about two minutes the first time on this machine, seconds after that"
	@go build -C hack/tools -o $(CURDIR)/$@ "$$(go list -C hack/tools tool | grep -E '/$*(/v[0-9]+)?$$')"

# Tools with conflicting dependencies have modules of their own. The tag excludes most cloud clients from Prometheus.
TOOLS_APART := $(patsubst hack/tools/%/go.mod,$(TOOLS)/%,$(wildcard hack/tools/*/go.mod))
$(TOOLS_APART): $(TOOLS)/%: hack/tools/%/go.mod hack/tools/%/go.sum
	@echo "Building $*: up to two minutes the first time on this machine, seconds after that"
	@go build -C hack/tools/$* -tags remove_all_sd -o $(CURDIR)/$@ "$$(go list -C hack/tools/$* tool | grep -v /cmd/prometheus$$)"

# The server of the same version, which shares most packages with promtool.
$(TOOLS)/prometheus: hack/tools/promtool/go.mod hack/tools/promtool/go.sum
	@echo "Building prometheus: up to five minutes the first time on this machine, seconds after that"
	@go build -C hack/tools/promtool -tags remove_all_sd -o $(CURDIR)/$@ github.com/prometheus/prometheus/cmd/prometheus

$(TOOLS)/dashboard: $(wildcard hack/dashboard/*)
	@go build -C hack/dashboard -o $(CURDIR)/$@ .

# cert-manager's controllers, for tests, and its CRDs, which are part of its module.
$(CERT_MANAGER)/cert-manager: $(wildcard hack/cert-manager/*)
	@echo "Building cert-manager: one to four minutes the first time on this machine, seconds after that"
	@go build -C hack/cert-manager -o $(CURDIR)/$@ .
	@mkdir -p $(CERT_MANAGER)/crds
	@cp -f "$$(go list -C hack/cert-manager -m -f '{{.Dir}}' github.com/cert-manager/cert-manager)"/deploy/crds/cert-manager.io_*.yaml \
		$(CERT_MANAGER)/crds/

# The CRD of the Prometheus Operator, for tests, which is part of its module.
SERVICE_MONITORS := bin/prometheus-operator/monitoring.coreos.com_servicemonitors.yaml
$(SERVICE_MONITORS): $(wildcard hack/prometheus-operator/*)
	@mkdir -p $(@D)
	@go mod download -C hack/prometheus-operator github.com/prometheus-operator/prometheus-operator
	@cp -f "$$(go list -C hack/prometheus-operator -m -f '{{.Dir}}' github.com/prometheus-operator/prometheus-operator)"/example/prometheus-operator-crd/$(@F) $@

##@ Code

# Output directory of generated files; hack/verify-generated.sh sets another one and compares.
OUT       := .
CRD       := aggregation.extensionapi.dev_extensionapis.yaml
GENERATED := api/v1alpha1/zz_generated.deepcopy.go config/crd/bases config/rbac/role.yaml $(CHART)/files/$(CRD) \
	docs/reference/api-reference.md docs/reference/kubectl-plugin-reference.md $(CHART)/README.md

.PHONY: generate
generate: $(TOOLS)/controller-gen $(TOOLS)/crd-ref-docs ## Generate deepcopy code, CRD, RBAC role, API and plugin reference, chart values
	$< paths=./api/... object:headerFile=hack/boilerplate.go.txt output:dir=$(OUT)/api/v1alpha1
	$< paths=./controllers/... paths=./internal/inventory/... paths=./internal/observe/... paths=./internal/act/... paths=./internal/podcheck/... rbac:roleName=extensionapi-operator output:dir=$(OUT)/config/rbac
	mkdir -p $(OUT)/config/crd/bases $(OUT)/$(CHART)/files
	$< paths=./api/... crd:generateEmbeddedObjectMeta=true output:stdout | go run ./hack/crd >$(OUT)/config/crd/bases/$(CRD)
	cp $(OUT)/config/crd/bases/$(CRD) $(OUT)/$(CHART)/files/
	mkdir -p $(OUT)/docs/reference
	$(TOOLS)/crd-ref-docs --source-path=api/v1alpha1 --config=hack/api-reference/config.yaml \
		--templates-dir=hack/api-reference --renderer=markdown --log-level=ERROR --output-path=$(OUT)/docs/reference/api-reference.md
	go run ./hack/chartvalues $(CHART) $(OUT)/$(CHART)/README.md
	go run ./hack/pluginreference $(OUT)/docs/reference/kubectl-plugin-reference.md

.PHONY: verify
verify: $(TOOLS)/golangci-lint $(TOOLS)/kustomize ## Check go.mod files, format, generated files, go vet and kustomizations
	@for module in $(MODULES); do echo "go mod tidy: $$module"; go mod tidy -C $$module -diff; done
	$(TOOLS)/golangci-lint fmt --diff
	hack/verify-generated.sh $(GENERATED)
	go vet -tags e2e ./...
	@for file in $(wildcard config/*/kustomization.yaml); do \
		echo "kustomize build: $$file"; $(TOOLS)/kustomize build "$$(dirname $$file)" >/dev/null; done

.PHONY: lint
lint: $(addprefix $(TOOLS)/,golangci-lint helm kube-linter kube-score promtool) ## Lint the code, the chart, the rendered manifests and the alerts
	$(TOOLS)/golangci-lint run
	cd pkg && $(CURDIR)/$(TOOLS)/golangci-lint run
	cd hack/cluster && $(CURDIR)/$(TOOLS)/golangci-lint run
	cd hack/cert-manager && $(CURDIR)/$(TOOLS)/golangci-lint run
	cd hack/dashboard && $(CURDIR)/$(TOOLS)/golangci-lint run
	$(TOOLS)/helm lint --strict $(CHART)
	hack/lint-chart.sh
	$(TOOLS)/promtool check rules --lint=all --lint-fatal $(CHART)/files/alerts.yaml

##@ Tests

TEST_PROGRAMS := $(addprefix $(TOOLS)/,golangci-lint helm helm3 kustomize promtool) $(CERT_MANAGER)/cert-manager $(SERVICE_MONITORS)

.PHONY: test
test: $(TEST_PROGRAMS) ## Run unit and integration tests on a real kube-apiserver and etcd (KUBEBUILDER_ASSETS takes precedence)
	@echo "Preparing kube-apiserver, etcd, kubectl and sample-apiserver, which are built once"
	@$(PREPARE) go test -timeout 40m ./...
	go test -C pkg ./...
	go test -C hack/cluster ./...
	go test -C hack/dashboard ./...

# The programs of the integration tests. Recipes that need them set KUBEBUILDER_ASSETS and SAMPLE_APISERVER.
PREPARE := programs="$$($(NODE) build sample-apiserver $(if $(KUBEBUILDER_ASSETS),,kube-apiserver etcd kubectl))"; \
	export KUBEBUILDER_ASSETS="$${KUBEBUILDER_ASSETS:-$$programs}" SAMPLE_APISERVER="$$programs/sample-apiserver";

.PHONY: test-unit
test-unit: $(TOOLS)/helm $(TOOLS)/helm3 $(TOOLS)/kustomize $(TOOLS)/promtool ## Run the tests that need no kube-apiserver
	go test $$(go list ./... | grep -v -e /test/integration -e /test/e2e -e /test/skeleton -e /test/gitops)
	go test -C pkg ./...

# Packages of test-one.
PKG ?= ./test/integration

.PHONY: test-one
test-one: $(TEST_PROGRAMS) ## Run single tests, of the integration tests unless PKG is set: RUN='TestDrift.*' PKG=./internal/plan
	@$(PREPARE) go test $(PKG) -run '$(RUN)' -count 1 -v -timeout 20m

# Where the panels are drawn to, and further flags of hack/dashboard, such as -range 6h.
DASHBOARD_PNG   ?= bin/dashboard.png
DASHBOARD_FLAGS ?=

.PHONY: dashboard-check
dashboard-check: $(TOOLS)/dashboard $(if $(PROMETHEUS_URL),,$(TEST_PROGRAMS) $(TOOLS)/prometheus) ## Evaluate and draw the dashboard's queries, on a Prometheus that scrapes a test or on PROMETHEUS_URL
ifdef PROMETHEUS_URL
	$(TOOLS)/dashboard --prometheus '$(PROMETHEUS_URL)' --dashboard $(CHART)/files/dashboard.json \
		--output $(DASHBOARD_PNG) $(DASHBOARD_FLAGS)
else
	@$(PREPARE) DASHBOARD_PNG=$(CURDIR)/$(DASHBOARD_PNG) go test ./test/integration -run TestDashboardHasAResult -count 1 -v
endif
	@echo "The panels are in $(DASHBOARD_PNG)"

# Duration of each fuzz target.
FUZZTIME ?= 60s

.PHONY: fuzz
fuzz: ## Fuzz the parsers of input from servers and users, each target for FUZZTIME; 'test' runs the corpus
	@grep -r '^func Fuzz' --include='*_test.go' internal | sed -E 's|^(.*)/[^/]*:func (Fuzz[A-Za-z]*).*|\1 \2|' | \
	while read -r package target; do \
		echo "$$package: $$target"; \
		go test "./$$package" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s </dev/null; \
	done

.PHONY: test-versions
test-versions: $(TEST_PROGRAMS) ## Run the integration tests on every supported version of Kubernetes; WRITE_DOCS=1 updates the table
	go run ./hack/versions

# The tests that need several kube-apiservers have a cluster of their own, which exists only while they run. All faults
# of a round of the soak run in parallel.
SEVERAL_KUBE_APISERVERS := CLUSTER_NAME=extensionapi-ha KUBE_APISERVERS=3
ON_SEVERAL              := go test -tags e2e ./test/e2e/... -v -count 1 -parallel 24

.PHONY: e2e
e2e: CLUSTER_NAME = extensionapi-e2e
e2e: e2e-images $(addprefix $(TOOLS)/,helm prometheus dashboard) ## Run the end-to-end tests on a dedicated cluster, those of several kube-apiservers, and up to ten minutes of soak
	go test -tags e2e ./test/e2e/... -v -short -count 1 -parallel 8 -timeout 80m
	$(SEVERAL_KUBE_APISERVERS) SOAK_DURATION=10m SOAK_SEED=1 $(ON_SEVERAL) -short -run 'SeveralKubeAPIServers|Soak' -timeout 40m

.PHONY: e2e-long
e2e-long: CLUSTER_NAME = extensionapi-e2e
e2e-long: e2e-images $(addprefix $(TOOLS)/,helm prometheus dashboard) ## Run the end-to-end tests, including the scenarios that take too long for continuous integration
	go test -tags e2e ./test/e2e/... -v -count 1 -parallel 8 -timeout 120m
	$(SEVERAL_KUBE_APISERVERS) $(ON_SEVERAL) -run SeveralKubeAPIServers -timeout 40m

SOAK_DURATION ?= 1h
SOAK_SEED     ?=

.PHONY: soak
soak: CLUSTER_NAME = extensionapi-ha
soak: e2e-images $(TOOLS)/helm ## Cause random faults for SOAK_DURATION, by default an hour: SOAK_SEED repeats those of an earlier run
	$(SEVERAL_KUBE_APISERVERS) SOAK_DURATION=$(SOAK_DURATION) SOAK_SEED=$(SOAK_SEED) $(ON_SEVERAL) -run Soak -timeout 0

.PHONY: bench-apply
bench-apply: CLUSTER_NAME = extensionapi-e2e
bench-apply: e2e-images $(TOOLS)/helm ## Benchmark the time from apply to Available: the operator compared with hand-written manifests
	go test -tags e2e ./test/e2e/... -run '^$$' -bench Apply -benchtime 10x -timeout 60m

.PHONY: bench-dead-server
bench-dead-server: CLUSTER_NAME = extensionapi-e2e
bench-dead-server: e2e-images $(TOOLS)/helm ## Benchmark how many namespaces are deleted while a server is dead: the stand-in compared with none
	go test -tags e2e ./test/e2e/... -run '^$$' -bench DeadServer -benchtime 1x -timeout 60m

.PHONY: bench-hostile
bench-hostile: CLUSTER_NAME = extensionapi-e2e
bench-hostile: e2e-images $(TOOLS)/helm ## Benchmark the operator and 80 ExtensionAPIs alongside 20 with hostile servers: HOSTILE_FOR=10m
	go test -tags e2e ./test/e2e/... -run '^$$' -bench Hostile -benchtime 1x -timeout 80m

.PHONY: bench-doctor
bench-doctor: CLUSTER_NAME = extensionapi-e2e
bench-doctor: e2e-images $(TOOLS)/helm ## Benchmark kubectl extensionapi doctor on a cluster with 208 APIServices of a server
	go test -tags e2e ./test/e2e/... -run '^$$' -bench Doctor -benchtime 5x -timeout 60m

.PHONY: bench-discovery
bench-discovery: ## Benchmark the accuracy of probes, and the effect of hanging servers on the others
	go test ./internal/discovery -run '^$$' -bench . -benchtime 3x

# Numbers of ExtensionAPIs, with commas between them: 300 and 1000 take long on two cores.
SCALE_SIZES ?= 10,100

.PHONY: bench-scale
bench-scale: ## Benchmark many ExtensionAPIs beside APIServices by hand: SCALE_SIZES=10,100,300,1000 SCALE_FLAGS='-ways operator'
	go build -o $(OPERATOR) .
	go build -o bin/scale ./test/scale
	mkdir -p bin/scale-profiles
	@programs="$$($(NODE) build kube-apiserver etcd kubectl)"; \
		KUBEBUILDER_ASSETS="$${KUBEBUILDER_ASSETS:-$$programs}" \
		unshare --map-root-user --net bin/scale -operator $(OPERATOR) \
		-profiles bin/scale-profiles -sizes $(SCALE_SIZES) $(SCALE_FLAGS)

##@ Documentation

# Where the site is served: a directory of its own for each version.
DOCS_URL ?= http://localhost:1313/

.PHONY: docs
docs: $(TOOLS)/hugo ## Build the site of the documentation in bin/site, with search: VERSION=v0.1.0 DOCS_URL=https://…/v0.1.0/
	go run ./hack/site --version $(VERSION) --output bin/site-source
	$(TOOLS)/hugo --source bin/site-source --destination $(CURDIR)/bin/site --baseURL $(DOCS_URL) --cleanDestinationDir --quiet
	@echo "The site is in bin/site"

.PHONY: docs-serve
docs-serve: $(TOOLS)/hugo ## Serve the site at http://localhost:1313
	go run ./hack/site --version $(VERSION) --output bin/site-source
	$(TOOLS)/hugo server --source bin/site-source --baseURL $(DOCS_URL)

.PHONY: docs-test
docs-test: $(TOOLS)/misspell ## Check links, anchors, words, spelling and messages of the documentation, and the commands of its pages
	$(TOOLS)/misspell -error $$(git ls-files "*.md" | grep --invert-match pt-BR)
	go test ./test/docs/... ./test/documented/... ./hack/docscommands/... ./hack/site/...

.PHONY: docs-commands
docs-commands: demo-images plugin $(TOOLS)/helm ## Run every command of Getting started and Tasks on a node, and compare the output: PAGES=…
	hack/docs-commands.sh up
	hack/docs-commands.sh down

.PHONY: docs-screenshots
docs-screenshots: docs ## Take pictures of the site with headless Chromium: bin/screenshots
	hack/site/screenshots.sh

##@ Run

# Further flags of the operator, such as --zap-log-level=debug.
FLAGS ?=

.PHONY: run
run: $(TOOLS)/kustomize ## Run the operator from source against the cluster of the kubeconfig, in place of its Deployment: FLAGS
	hack/run.sh $(FLAGS)

##@ Demo

CLUSTER_TOOLS := $(if $(filter kind,$(CLUSTER)),$(TOOLS)/kind)

.PHONY: demo
demo: demo-images plugin $(TOOLS)/helm $(CLUSTER_TOOLS) ## Run the operator and the sample API server on a cluster: CLUSTER=node or kind
	hack/demo.sh up

.PHONY: demo-down
demo-down: $(CLUSTER_TOOLS) ## Delete the demo's cluster
	hack/demo.sh down

.PHONY: ten-minutes
ten-minutes: CLUSTER_NAME = extensionapi-ten-minutes
ten-minutes: image storage-images $(TOOLS)/helm ## Follow docs/getting-started/ten-minutes.md word for word on a cluster of its own, and count lines
	hack/ten-minutes.sh up

.PHONY: ten-minutes-down
ten-minutes-down: CLUSTER_NAME = extensionapi-ten-minutes
ten-minutes-down: ## Delete the cluster of ten-minutes
	hack/ten-minutes.sh down

##@ kubectl plugin

PLUGIN       := bin/kubectl-extensionapi
VERSION_VARS := github.com/extensionapi/extensionapi-operator/internal/version

.PHONY: plugin
plugin: ## Build the kubectl plugin for this machine: bin/kubectl-extensionapi
	CGO_ENABLED=0 go build -trimpath -buildvcs=false \
		-ldflags "-s -w -X $(VERSION_VARS).version=$(VERSION) -X $(VERSION_VARS).commit=$$(git rev-parse HEAD)" \
		-o $(PLUGIN) ./cmd/kubectl-extensionapi

.PHONY: session
session: demo ## Record a session of the plugin on the demo's cluster: docs/reference/session.txt
	hack/record-session.sh

##@ Images

.PHONY: image
image: ## Build the operator and its image as an OCI tarball, without Docker: bin/images/operator.tar
	VERSION=$(VERSION) COMMIT=$$(git rev-parse HEAD) hack/build.sh $(OPERATOR)
	mkdir -p $(IMAGES)
	$(NODE) image --ref $(IMG) --output $(CURDIR)/$(IMAGES)/operator.tar $(CURDIR)/$(OPERATOR)

.PHONY: demo-images
demo-images: image storage-images ## Build the images of the demo: the operator, sample-apiserver, etcd and kine
	@$(NODE) image --ref extensionapi.dev/sample-apiserver:demo \
		--output $(CURDIR)/$(IMAGES)/sample-apiserver.tar "$$($(NODE) build sample-apiserver)/sample-apiserver"

STORAGE := bin/storage

# The flags are the operator's (hack/build.sh), so that Go's build cache has some of the libraries already.
.PHONY: storage-images
storage-images: ## Build the images of spec.server.storage, from hack/storage/go.mod: etcd and kine
	@echo "Building etcd and kine: two to three minutes the first time on this machine, seconds after that"
	@mkdir -p $(STORAGE) $(IMAGES)
	@CGO_ENABLED=0 GOOS=linux go build -C hack/storage -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$(STORAGE)/ tool
	@mv -f $(STORAGE)/server $(STORAGE)/etcd
	@$(NODE) image --ref extensionapi.dev/etcd:demo \
		--output $(CURDIR)/$(IMAGES)/etcd.tar $(CURDIR)/$(STORAGE)/etcd $(CURDIR)/$(STORAGE)/etcdctl
	@$(NODE) image --ref extensionapi.dev/kine:demo --output $(CURDIR)/$(IMAGES)/kine.tar $(CURDIR)/$(STORAGE)/kine

# Upgrades are tested from this revision: the last release or, until there is one, the last whose chart had its CRD in crds/.
PREVIOUS ?= a74d7a58d922a1e689977cc55eb96d9f7d9efc53

.PHONY: previous-image
previous-image: ## Build the chart and image that upgrades are tested from, in bin/previous: PREVIOUS, a tag or a commit
	@git cat-file -e '$(PREVIOUS)^{commit}' 2>/dev/null || git fetch --quiet --unshallow --tags 2>/dev/null || { \
		echo "Revision $(PREVIOUS), which upgrades are tested from, does not exist. In a shallow clone: git fetch --unshallow --tags" >&2; \
		exit 1; }
	rm -rf bin/previous
	mkdir -p bin/previous
	git archive '$(PREVIOUS)' | tar -x -C bin/previous
	$(MAKE) -C bin/previous image VERSION=previous IMG=extensionapi.dev/extensionapi-operator:previous

.PHONY: e2e-images
e2e-images: demo-images plugin previous-image server-images postgresql-image ## Build the images of the end-to-end tests: those of the demo, a server with configurable faults, released servers, PostgreSQL
	CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags "-s -w" -o bin/faultserver ./test/faultserver
	$(NODE) image --ref extensionapi.dev/faultserver:e2e \
		--output $(CURDIR)/$(IMAGES)/faultserver.tar $(CURDIR)/bin/faultserver

# Debian's packages, so that nothing is compiled; the tests use whatever version this machine's Debian has.
.PHONY: postgresql-image
postgresql-image: ## Build the image of PostgreSQL for the end-to-end tests, from Debian's packages: needs apt-get and dpkg
	@mkdir -p $(STORAGE) $(IMAGES)
	@hack/storage/postgresql.sh $(STORAGE)/postgresql
	@$(NODE) image --ref extensionapi.dev/postgresql:e2e --root $(CURDIR)/$(STORAGE)/postgresql \
		--output $(CURDIR)/$(IMAGES)/postgresql.tar $(CURDIR)/$(STORAGE)/postgresql/bin/sh

SERVERS := bin/servers

# The flags are the operator's (hack/build.sh), so that Go's build cache has most of the libraries already.
.PHONY: server-images
server-images: ## Build the images of the servers in docs/tasks/servers.md, tagged with their versions in hack/servers/go.mod
	@echo "Building released API servers: two to three minutes the first time on this machine, seconds after that"
	@mkdir -p $(SERVERS)/manifests $(IMAGES)
	@go mod download -C hack/servers sigs.k8s.io/metrics-server
	@cp -f "$$(go list -C hack/servers -m -f '{{.Dir}}' sigs.k8s.io/metrics-server)"/manifests/base/*.yaml $(SERVERS)/manifests/
	CGO_ENABLED=0 GOOS=linux go build -C hack/servers -trimpath -buildvcs=false -ldflags "-s -w" -o $(CURDIR)/$(SERVERS)/ tool
	@for server in metrics-server:sigs.k8s.io/metrics-server test-adapter:sigs.k8s.io/custom-metrics-apiserver; do \
		name="$${server%%:*}" version="$$(go list -C hack/servers -m -f '{{.Version}}' "$${server#*:}")"; \
		$(NODE) image --ref "extensionapi.dev/$$name:$$version" \
			--output $(CURDIR)/$(IMAGES)/$$name.tar $(CURDIR)/$(SERVERS)/$$name; \
	done

##@ Release

RELEASE_TOOLS := $(TOOLS)/helm $(TOOLS)/cyclonedx-gomod

.PHONY: release
release: $(RELEASE_TOOLS) ## Build chart, image, manifests, plugin, SBOMs and checksums in dist: VERSION=v0.1.0
	@go run ./hack/release --version "$(if $(filter file,$(origin VERSION)),,$(VERSION))" \
		$(addprefix --plugin-system=,$(PLUGIN_SYSTEMS))

# PLUGIN_SYSTEMS=linux builds the plugin for Linux only, which takes much less time where nothing is compiled yet.
.PHONY: verify-release
verify-release: $(RELEASE_TOOLS) ## Build the release of the last commit in two clones, with different settings, and compare
	hack/verify-release.sh

##@ Help

.PHONY: help
help: ## Print this help
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)
