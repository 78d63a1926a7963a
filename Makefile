# SPDX-License-Identifier: Apache-2.0

SHELL := /usr/bin/env bash -o pipefail
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help

BIN := $(CURDIR)/bin
# Where kube-apiserver, etcd and kubectl are: hack/controlplane.sh.
CONTROLPLANE := $(or $(KUBEBUILDER_ASSETS),$(BIN)/controlplane)
CONTROLLER_GEN := $(BIN)/controller-gen
GOLANGCI_LINT := $(BIN)/golangci-lint
CYCLONEDX := $(BIN)/cyclonedx-gomod
GOVULNCHECK := $(BIN)/govulncheck
DOCKERFILE := $(BIN)/dockerfile
HELM := $(BIN)/helm
ACTIONLINT := $(BIN)/actionlint
CRD_REF_DOCS := $(BIN)/crd-ref-docs
CHART := charts/livepeer-task-operator
PLUGIN := cmd/kubectl-livepeer
PLUGIN_PLATFORMS := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64

IMAGE := ghcr.io/livepeer/livepeer-task-operator
IMG ?= $(IMAGE):v0.1.0
CONTAINER_TOOL ?= docker
PLATFORMS ?= linux/amd64,linux/arm64
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 5m
KUBERNETES ?= $(notdir $(wildcard tools/kubernetes/*))

# What the end-to-end tests put beside the operator, and where the images for them are made.
E2E_STUDIO_IMG ?= livepeer-task-operator.local/e2e:v1
E2E := $(BIN)/e2e
KIND ?= kind
KIND_CLUSTER ?= livepeer-task-operator-e2e

# All that is built, tools and tests included, has the same flags (and, where it can, the same versions of what it imports), so that what
# they share is compiled once. The race detector needs cgo, and hack/test asks for it.
export CGO_ENABLED := 0
export GOFLAGS := $(shell go env GOFLAGS) -trimpath

# The same sources and version make the same binary, byte for byte, wherever it is built; the Dockerfile has the same flags.
BUILD_FLAGS = -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=$(VERSION)"

# The cluster's own kubectl where there is one, else the one that comes with the control plane.
KUBECTL ?= $(shell command -v kubectl || echo $(CONTROLPLANE)/kubectl)
NEED_KUBECTL := $(if $(filter $(CONTROLPLANE)/kubectl,$(KUBECTL)),kubectl)

define newline


endef

# config/default with the image of IMG.
RENDER_DEFAULT = $(KUBECTL) kustomize config/default | sed 's|image: $(IMAGE):.*|image: $(IMG)|'

##@ General

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-17s %s\n", $$1, $$2} \
		END {print ""}' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: build ## Show the operator at work, with a cluster and a Studio of its own. DEMO_SECONDS=30 ends it; LIVEPEER_API_KEY mirrors a real account.
	@go build -o $(BIN)/demo ./hack/demo
	@hack/controlplane.sh kube-apiserver etcd $(NEED_KUBECTL)
	@KUBEBUILDER_ASSETS=$(CONTROLPLANE) $(BIN)/demo

.PHONY: recording
recording: controlplane build plugin ## Record kubectl livepeer watch beside the demo, as docs/watch.svg (takes asciinema and npx).
	@go build -o $(BIN)/demo ./hack/demo
	@KUBEBUILDER_ASSETS=$(CONTROLPLANE) hack/recording.sh

.PHONY: studio
studio: ## Run the simulated Studio alone.
	go run ./hack/studio

##@ Development

.PHONY: generate
generate: $(CONTROLLER_GEN) ## Generate deepcopy methods.
	cd api && $(CONTROLLER_GEN) object:headerFile=../hack/boilerplate.go.txt paths=./...

.PHONY: manifests
manifests: $(CONTROLLER_GEN) $(CRD_REF_DOCS) $(NEED_KUBECTL) ## Generate CRDs, the operator's RBAC role, what the Helm chart takes from config/, and docs: rights, metrics, flags, reference, schemas.
	cd api && $(CONTROLLER_GEN) crd:allowDangerousTypes=true,maxDescLen=1000 paths=./... output:crd:dir=../config/crd/bases
	$(CONTROLLER_GEN) rbac:roleName=manager-role paths=./internal/controller/... output:rbac:dir=config/rbac
	KUBECTL=$(KUBECTL) go run ./hack/rights
	go run ./hack/monitoring/page
	go run . --help 2>&1 | go run ./hack/flags
	KUBECTL=$(KUBECTL) go run ./hack/chart
	$(CRD_REF_DOCS) --log-level=ERROR --source-path=api/v1alpha1 --config=hack/reference/config.yaml --templates-dir=hack/reference \
		--renderer=markdown --output-path=docs/reference.md
	go run ./hack/schemas

.PHONY: docs-site
docs-site: ## Build the pages of docs/ as a site, with search, into dist/site (mkdocs and its theme Material are needed).
	@command -v mkdocs >/dev/null || { echo "mkdocs is missing; on Debian: apt-get install mkdocs mkdocs-material" >&2; exit 1; }
	mkdocs build --strict --quiet --site-dir dist/site

.PHONY: fmt
fmt: ## Format the code.
	go fmt ./...
	cd api && go fmt ./...

.PHONY: vet
vet: ## Run go vet.
	go vet ./...
	cd api && go vet ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) $(DOCKERFILE) $(HELM) $(ACTIONLINT) ## Run the linters (the first time builds them, about 5 minutes on 2 cores).
	$(GOLANGCI_LINT) run ./...
	for module in api $(PLUGIN) test/recipes test/compat; do (cd $$module && $(GOLANGCI_LINT) run ./...); done
	$(DOCKERFILE) lint Dockerfile test/e2e/Dockerfile
	$(HELM) lint --strict --quiet $(CHART)
	$(ACTIONLINT)

.PHONY: test
test: controlplane build ## Run every test, against a real API server (the race detector needs a C compiler).
	@go build -o $(BIN)/runtests ./hack/test
	@KUBEBUILDER_ASSETS=$(CONTROLPLANE) TEST_MANAGER=$(BIN)/manager $(BIN)/runtests

# Lays KEDA's own files over tools/keda/scalers, where it says why.
KEDA_FILES = {"Replace": {"$(CURDIR)/tools/keda/scalers/scaler.go": "{{.Dir}}/pkg/scalers/scaler.go", \
  "$(CURDIR)/tools/keda/scalers/metrics_api_scaler.go": "{{.Dir}}/pkg/scalers/metrics_api_scaler.go"}}

# Argo CD takes a newer Go than the rest. Its manifests come with it, and it calls kustomize and a script of its own.
ARGOCD_GO = GOTOOLCHAIN=$(shell sed -n 's/^toolchain //p' tools/argocd/go.mod) go
ARGOCD = github.com/argoproj/argo-cd/v3

# Velero listens for its metrics where controller-runtime says, on port 8080 of every network, and has no flag for it.
VELERO_LDFLAGS = -X sigs.k8s.io/controller-runtime/pkg/metrics/server.DefaultBindAddress=127.0.0.1:0

# Those of hack/controlplane.sh, so that what both have is compiled once.
KUBERNETES_FLAGS = -gcflags all=-dwarf=false $(foreach part,kubernetes api client-go,-gcflags 'k8s.io/$(part)/...=-dwarf=false -l')

# Traefik's list of DNS providers, which tools/traefik/dns stands in for.
LEGO = github.com/go-acme/lego/v4

# kube-state-metrics, k9s, Flux's kustomize-, helm- and source-controller, Argo CD, KEDA's operator and server of metrics with Kubernetes' own controllers,
# Knative's broker, Traefik, OLM with its catalog, and Velero with its plugin for S3 and an S3 in memory themselves, and small programs that call Argo
# Events', KEDA's and cert-manager's own code, with a NATS server. KEDA's operator takes longest: 16 minutes on two busy cores.
.PHONY: test-recipes
test-recipes: controlplane $(HELM) ## Run the recipes of docs/recipes with the tools themselves (the first time builds those, which takes minutes).
	go build -C tools/kube-state-metrics -o $(BIN)/recipes/kube-state-metrics k8s.io/kube-state-metrics/v2
	go build -C tools/argo-events -o $(BIN)/recipes/argo-events .
	go build -C tools/argo-events -o $(BIN)/recipes/argo-events-pods ./pods
	go build -C tools/nats-server -o $(BIN)/recipes/nats-server github.com/nats-io/nats-server/v2
	go mod -C tools/keda download github.com/kedacore/keda/v2
	go list -C tools/keda -m -f '$(KEDA_FILES)' github.com/kedacore/keda/v2 >$(BIN)/recipes/keda.json
	go build -C tools/keda -overlay=$(BIN)/recipes/keda.json -o $(BIN)/recipes/keda .
	go build -C tools/keda-operator -o $(BIN)/recipes/keda-operator github.com/kedacore/keda/v2/cmd/operator
	go build -C tools/keda-operator -o $(BIN)/recipes/keda-adapter github.com/kedacore/keda/v2/cmd/adapter
	go build -C tools/cert-manager -o $(BIN)/recipes/cert-manager .
	go build -C tools/kube-controller-manager $(KUBERNETES_FLAGS) -o $(BIN)/recipes/kube-controller-manager k8s.io/kubernetes/cmd/kube-controller-manager
	go mod -C tools/traefik download $(LEGO)
	dir=$$(go list -C tools/traefik -m -f '{{.Dir}}' $(LEGO)); rm -rf $(BIN)/recipes/lego; cp -r --no-preserve=mode "$$dir" $(BIN)/recipes/lego
	cp tools/traefik/dns/dns.go $(BIN)/recipes/lego/providers/dns/zz_gen_dns_providers.go
	cp tools/traefik/go.mod $(BIN)/recipes/traefik.mod; cp tools/traefik/go.sum $(BIN)/recipes/traefik.sum
	go mod edit -replace $(LEGO)=$(BIN)/recipes/lego $(BIN)/recipes/traefik.mod
	go build -C tools/traefik -modfile=$(BIN)/recipes/traefik.mod -o $(BIN)/recipes/traefik github.com/traefik/traefik/v3/cmd/traefik
	rm -rf $(BIN)/recipes/lego
	go build -C tools/olm-operator -tags containers_image_openpgp,exclude_graphdriver_btrfs -o $(BIN)/recipes/ tool
	for part in mtchannel_broker broker/ingress broker/filter in_memory/channel_dispatcher; do \
		go build -C tools/knative -o $(BIN)/recipes/knative-$${part##*[/_]} knative.dev/eventing/cmd/$$part || exit; done
	go build -C tools/k9s -o $(BIN)/recipes/k9s github.com/derailed/k9s
	go build -C tools/kustomize-controller -o $(BIN)/recipes/kustomize-controller github.com/fluxcd/kustomize-controller
	go build -C tools/source-controller -o $(BIN)/recipes/source-controller github.com/fluxcd/source-controller
	go build -C tools/helm-controller -o $(BIN)/recipes/helm-controller github.com/fluxcd/helm-controller
	go build -C tools/velero -ldflags '$(VELERO_LDFLAGS)' -o $(BIN)/recipes/ tool
	for module in kube-controller-manager olm-operator traefik; do go mod -C tools/$$module tidy -diff || exit; done
	$(ARGOCD_GO) mod -C tools/argocd tidy -diff
	$(ARGOCD_GO) build -C tools/argocd -o $(BIN)/recipes/argocd $(ARGOCD)/cmd
	$(ARGOCD_GO) build -C tools/argocd -o $(BIN)/recipes/kustomize sigs.k8s.io/kustomize/kustomize/v5
	dir=$$($(ARGOCD_GO) list -C tools/argocd -m -f '{{.Dir}}' $(ARGOCD)); \
		install "$$dir/manifests/install.yaml" "$$dir/hack/git-verify-wrapper.sh" $(BIN)/recipes
	cd test/recipes && RECIPE_TOOLS=$(BIN)/recipes HELM=$(HELM) KUBEBUILDER_ASSETS=$(CONTROLPLANE) go test -count=1 -timeout 30m ./...

# Not part of make test: npm ci fetches Headlamp's plugin kit, which is large.
.PHONY: test-headlamp
test-headlamp: ## Check, test and build the plugin for Headlamp in examples/headlamp-plugin (takes node 20 and npm, and their registry).
	cd examples/headlamp-plugin && npm ci && npm run tsc && npm run lint && npm run test && npm run build

.PHONY: test-versions
test-versions: controlplane build ## Run the core of the tests against older API servers: KUBERNETES="1.30 1.33 1.35". Builds each, once (5 minutes on 2 cores).
	@KUBEBUILDER_ASSETS=$(CONTROLPLANE) TEST_MANAGER=$(BIN)/manager hack/versions.sh $(KUBERNETES)

.PHONY: test-soak
test-soak: controlplane build ## Kill, cut off and mislead the operator for SOAK_SECONDS (default 600), and compare. SOAK_SEED repeats a run.
	@go build -o $(BIN)/soak/soak ./test/soak
	@KUBEBUILDER_ASSETS=$(CONTROLPLANE) $(BIN)/soak/soak

.PHONY: test-soak-seeds
test-soak-seeds: ## The same for SOAK_SEEDS (default 30) seeds one after the other, SOAK_SECONDS (default 60) each, summed up in a table.
	@SOAK_SEEDS=$(or $(SOAK_SEEDS),30) SOAK_SECONDS=$(or $(SOAK_SECONDS),60) $(MAKE) --no-print-directory test-soak

.PHONY: bench
bench: controlplane build ## Measure the operator against the bare API server. BENCH_TASKS=100000: large; BENCH_DOCS=1: into docs/bench.
	@go build -o $(BIN)/bench/bench ./test/bench
	@KUBEBUILDER_ASSETS=$(CONTROLPLANE) $(BIN)/bench/bench

.PHONY: bench-quick
bench-quick: export BENCH_TASKS = 1000
bench-quick: export BENCH_REPEAT = 1
bench-quick: export BENCH_PARTS = bare,operator
bench-quick: export BENCH_AGAINST = docs/bench/results.json
bench-quick: bench ## Compare ratios and counts with the committed results, in about three minutes; fails where one is worse beyond noise.

.PHONY: e2e
e2e: $(NEED_KUBECTL) $(HELM) e2e-load ## Use the operator in the cluster of KUBECONFIG as people do. IMG; E2E_LOAD="<command that takes an image archive>".
	E2E=1 IMG=$(IMG) E2E_STUDIO_IMG=$(E2E_STUDIO_IMG) KUBECTL=$(KUBECTL) HELM=$(HELM) \
		go test -count=1 -timeout 60m $(if $(E2E_RUN),-run '$(E2E_RUN)') -v ./test/e2e

.PHONY: e2e-load
e2e-load: $(if $(E2E_LOAD),image-archives) # Without E2E_LOAD the cluster pulls both images by their names.
	$(foreach image,$(if $(E2E_LOAD),operator studio),$(E2E_LOAD) $(E2E)/$(image).tar$(newline))

.PHONY: e2e-kind
e2e-kind: ## The same in a cluster of kind, with images that CONTAINER_TOOL builds. Removes the cluster.
	$(MAKE) docker-build
	$(CONTAINER_TOOL) build -f test/e2e/Dockerfile -t $(E2E_STUDIO_IMG) .
	mkdir -p $(E2E)
	$(CONTAINER_TOOL) save -o $(E2E)/kind-operator.tar $(IMG)
	$(CONTAINER_TOOL) save -o $(E2E)/kind-studio.tar $(E2E_STUDIO_IMG)
	trap '$(KIND) delete cluster --name $(KIND_CLUSTER)' EXIT; \
		$(KIND) create cluster --name $(KIND_CLUSTER) --kubeconfig $(E2E)/kubeconfig; \
		$(KIND) load image-archive --name $(KIND_CLUSTER) $(E2E)/kind-operator.tar; \
		$(KIND) load image-archive --name $(KIND_CLUSTER) $(E2E)/kind-studio.tar; \
		KUBECONFIG=$(E2E)/kubeconfig $(MAKE) e2e

.PHONY: verify
verify: $(CONTROLLER_GEN) $(NEED_KUBECTL) ## Check that generated files, formats, licence headers and kustomizations are as they should be.
	@MAKE=$(MAKE) KUBECTL=$(KUBECTL) hack/verify.sh

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (default 5m).
	@git grep --untracked -oE '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | while IFS=: read -r file func; do \
		echo "$${func#func } in $$(dirname $$file), FUZZTIME $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x ./$$(dirname $$file) </dev/null; \
	done

##@ Build

.PHONY: build
build: ## Build bin/manager.
	go build $(BUILD_FLAGS) -o $(BIN)/manager .

.PHONY: plugin
plugin: ## Build bin/kubectl-livepeer: the kubectl plugin.
	go build -C $(PLUGIN) $(BUILD_FLAGS) -o $(BIN)/kubectl-livepeer .

.PHONY: plugin-release
plugin-release: ## Build the kubectl plugin for every platform, into archives in dist, with krew's manifest. VERSION=v1.2.3
	rm -rf $(BIN)/plugin
	$(foreach platform,$(PLUGIN_PLATFORMS),GOOS=$(word 1,$(subst -, ,$(platform))) GOARCH=$(word 2,$(subst -, ,$(platform))) \
		go build -C $(PLUGIN) $(BUILD_FLAGS) -o $(BIN)/plugin/$(platform)/ .$(newline))
	mkdir -p dist
	go run ./hack/plugin -version $(VERSION) -binaries $(BIN)/plugin -out dist

.PHONY: image-archives
image-archives: $(DOCKERFILE) build ## Build the images of both Dockerfiles without an engine, into bin/e2e, and the operator's for arm64.
	mkdir -p $(E2E)
	$(DOCKERFILE) build -t $(IMG) -build-arg VERSION=$(VERSION) -platform linux/arm64 -o $(E2E)/operator-arm64.tar .
	$(DOCKERFILE) build -t $(IMG) -build-arg VERSION=$(VERSION) -platform linux/$(shell go env GOARCH) -o $(E2E)/operator.tar -keep $(E2E)/operator .
	cmp $(BIN)/manager $(E2E)/operator/manager # the Dockerfile builds what make build does
	$(DOCKERFILE) build -f test/e2e/Dockerfile -t $(E2E_STUDIO_IMG) -platform linux/$(shell go env GOARCH) -o $(E2E)/studio.tar .

.PHONY: docker-build
docker-build: ## Build the image IMG, with docker or CONTAINER_TOOL=podman or buildah.
	$(CONTAINER_TOOL) build --build-arg VERSION=$(VERSION) -t $(IMG) .

.PHONY: base-digests
base-digests: ## Look up the digests of the Dockerfile's base images, and print them as its build arguments. Fails where it can't.
	@sed -nE 's/^ARG (BUILDER|BASE)=(.+)/\1 \2/p' Dockerfile | while read -r name image; do \
		digest=$$($(CONTAINER_TOOL) buildx imagetools inspect "$$image" --format '{{.Manifest.Digest}}'); \
		[[ $$digest =~ ^sha256:[0-9a-f]{64}$$ ]] || { echo "no digest of $$image: $$digest" >&2; exit 1; }; \
		echo "$$name=$$image@$$digest"; \
	done

.PHONY: docker-buildx
docker-buildx: ## Build the image IMG for all PLATFORMS, and push it.
	$(CONTAINER_TOOL) buildx build --platform $(PLATFORMS) --build-arg VERSION=$(VERSION) -t $(IMG) --push .

.PHONY: build-installer
build-installer: $(NEED_KUBECTL) ## Write dist/install.yaml: all that a cluster needs, with the image IMG.
	mkdir -p dist
	$(RENDER_DEFAULT) > dist/install.yaml

# Its archive has no times and no owners, so that the same bundle makes the same one.
.PHONY: bundle
bundle: $(NEED_KUBECTL) ## Write dist/bundle, for the Operator Lifecycle Manager, with the image IMG, and the same as an archive. OLM's library checks it.
	go build -C tools/olm -o $(BIN)/olm .
	KUBECTL=$(KUBECTL) $(BIN)/olm -image $(IMG) -out dist/bundle
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C dist -c bundle | gzip -n9 > dist/livepeer-task-operator-bundle.tar.gz

.PHONY: build-chart
build-chart: $(HELM) ## Write dist/livepeer-task-operator-<version>.tgz: the Helm chart.
	$(HELM) package --destination dist $(CHART)

.PHONY: checksums
checksums: ## Write dist/SHA256SUMS: of all files in dist.
	cd dist && rm -f SHA256SUMS && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum > SHA256SUMS

.PHONY: sbom
sbom: $(CYCLONEDX) ## Write dist/sbom.json: every module in the operator, in CycloneDX.
	mkdir -p dist
	$(CYCLONEDX) app -json -licenses -noserial -output dist/sbom.json .

.PHONY: licenses
licenses: ## Write dist/licenses.csv and dist/plugin-licenses.csv: the licence of every module in operator and plugin. Fails where one is not permissive.
	mkdir -p dist
	go build -C tools/security -o $(BIN)/licenses ./licenses
	$(BIN)/licenses > dist/licenses.csv
	cd $(PLUGIN) && $(BIN)/licenses > $(CURDIR)/dist/plugin-licenses.csv

# With the Go that the operator is shipped with, whose standard library counts as well. VULNCHECK=required fails where it can't look.
.PHONY: vulncheck
vulncheck: $(GOVULNCHECK) ## Look for known vulnerabilities that the code can reach.
	@export GOTOOLCHAIN=$$(sed -n 's/^toolchain //p' go.mod); \
	if out=$$($(GOVULNCHECK) ./... 2>&1 && $(GOVULNCHECK) -C $(PLUGIN) ./... 2>&1); then echo "$$out"; \
	elif [ "$(VULNCHECK)" != required ] && grep -qE 'fetching vulnerabilities|download go1[.]' <<<"$$out"; then \
		echo "SKIPPED: no look for known vulnerabilities, since the database of Go (vuln.go.dev) can't be reached from here"; \
	else echo "$$out"; exit 1; fi

.PHONY: clean
clean: ## Remove what was built. Keeps the control plane and the tools, which take minutes.
	rm -rf dist $(BIN)/manager $(BIN)/demo $(BIN)/kubectl-livepeer $(BIN)/plugin $(BIN)/release

##@ Release

.PHONY: release-rehearsal
release-rehearsal: ## Rehearse a release in a clone of its own, by the targets that the release workflow calls: all but the push.
	@MAKE=$(MAKE) hack/rehearsal.sh

.PHONY: release-check
release-check: ## Check that the manifests, the chart and the changelog are those of VERSION.
	grep -qx "  newTag: $(VERSION)" config/manager/kustomization.yaml
	grep -qx "appVersion: $(VERSION)" $(CHART)/Chart.yaml
	grep -qx "version: $(VERSION:v%=%)" $(CHART)/Chart.yaml
	grep -qF "## [$(VERSION:v%=%)]" CHANGELOG.md

.PHONY: release-files
release-files: build-installer bundle build-chart plugin-release sbom licenses ## Write into dist what a release attaches, with the image IMG, for VERSION.
	cp docs/schemas/*.json dist/
	$(MAKE) --no-print-directory checksums

.PHONY: release-notes
release-notes: ## Write bin/release/notes.md: what the changelog says of VERSION.
	mkdir -p $(BIN)/release
	awk -v head="## [$(VERSION:v%=%)]" 'index($$0, head) == 1 {on = 1; next} /^## \[/ {on = 0} on' CHANGELOG.md > $(BIN)/release/notes.md
	grep -q '[^[:space:]]' $(BIN)/release/notes.md

# What the release workflow has Docker build and push.
.PHONY: release-images
release-images: $(DOCKERFILE) ## Build the image for all PLATFORMS without an engine, as an OCI archive in bin/release.
	mkdir -p $(BIN)/release
	$(DOCKERFILE) build -t $(IMG) -build-arg VERSION=$(VERSION) -platform $(PLATFORMS) -o $(BIN)/release/operator.tar . > $(BIN)/release/operator.digest

.PHONY: release-bundle-image
release-bundle-image: $(DOCKERFILE) ## The same for the bundle in dist/bundle.
	mkdir -p $(BIN)/release
	$(DOCKERFILE) build -f dist/bundle/bundle.Dockerfile -t $(IMAGE)-bundle:$(VERSION) -platform $(PLATFORMS) \
		-o $(BIN)/release/bundle.tar dist/bundle > $(BIN)/release/bundle.digest

##@ Cluster

.PHONY: run
run: build ## Run the operator here, with the rights of the current kubeconfig (refused where make deploy installed the admission policy).
	$(BIN)/manager --metrics-bind-address=0 --health-probe-bind-address=0 --receiver-bind-address=127.0.0.1:9292

.PHONY: install
install: $(NEED_KUBECTL) ## Install the CRDs into the current cluster.
	$(KUBECTL) kustomize config/crd | $(KUBECTL) apply --server-side -f -

.PHONY: uninstall
uninstall: $(NEED_KUBECTL) ## Remove the CRDs, and with them every source and mirrored task.
	$(KUBECTL) kustomize config/crd | $(KUBECTL) delete --ignore-not-found -f -

.PHONY: deploy
deploy: $(NEED_KUBECTL) ## Install CRDs and operator, with the image IMG, into the current cluster.
	$(RENDER_DEFAULT) | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: $(NEED_KUBECTL) ## Remove CRDs and operator, and with them every source and mirrored task.
	$(RENDER_DEFAULT) | $(KUBECTL) delete --ignore-not-found -f -

##@ Tools

.PHONY: controlplane
controlplane: ## Get kube-apiserver, etcd and kubectl, once: those of KUBEBUILDER_ASSETS, downloaded (seconds), or built (5 minutes on 2 cores).
	@hack/controlplane.sh

.PHONY: kubectl
kubectl: ## Get kubectl alone, likewise.
	@hack/controlplane.sh kubectl

.PHONY: tools
tools: $(GOLANGCI_LINT) $(DOCKERFILE) $(HELM) $(ACTIONLINT) $(GOVULNCHECK) ## Build what lint and vulncheck call, into bin.

.PHONY: helm
helm: $(HELM) ## Build helm into bin. The tests of the chart call it.

$(CONTROLLER_GEN): tools/generate/go.mod
	go build -C tools/generate -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen
	@touch $@

$(GOLANGCI_LINT): tools/lint/go.mod
	@echo "Building golangci-lint from source, once; this takes about 4 minutes on 2 cores ..."
	go build -C tools/lint -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

$(DOCKERFILE): tools/dockerfile/go.mod $(wildcard tools/dockerfile/*.go)
	go build -C tools/dockerfile -o $@ .

$(HELM): tools/helm/go.mod
	@echo "Building helm from source, once; this takes about 3 minutes on 2 cores ..."
	go build -C tools/helm -o $@ helm.sh/helm/v4/cmd/helm
	@touch $@

$(ACTIONLINT): tools/actionlint/go.mod
	go build -C tools/actionlint -o $@ github.com/rhysd/actionlint/cmd/actionlint
	@touch $@

$(CRD_REF_DOCS): tools/docs/go.mod
	go build -C tools/docs -o $@ github.com/elastic/crd-ref-docs
	@touch $@

$(CYCLONEDX): tools/security/go.mod
	go build -C tools/security -o $@ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod
	@touch $@

$(GOVULNCHECK): tools/security/go.mod
	go build -C tools/security -o $@ golang.org/x/vuln/cmd/govulncheck
	@touch $@
