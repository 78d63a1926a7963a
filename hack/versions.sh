#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the core of the tests against the API servers of older Kubernetes, those named as arguments: 1.33, for instance. Each has a module
# in tools/kubernetes that pins it, and is built from source into bin/controlplane-<version>, once. etcd and kubectl are those of
# KUBEBUILDER_ASSETS. Ends with a table; what the tests said is in bin/controlplane-<version>/test.log.
set -euo pipefail
cd "$(dirname "$0")/.."
assets=${KUBEBUILDER_ASSETS:?}

# build VERSION, much as hack/controlplane.sh does, which explains the flags. Nothing is inlined: it is quick to build, and not run for long.
build() {
  local module=tools/kubernetes/$1 out=bin/controlplane-$1 component=k8s.io/component-base/version release major minor begun=$SECONDS
  [ -f "$module/go.mod" ] || { echo "no $module: Kubernetes $(ls tools/kubernetes | paste -sd ' ') can be had" >&2 && return 1; }
  # Here, and not with the other modules' in verify: it takes what each of these versions is tested with, too.
  go mod -C "$module" tidy -diff || { echo "$module/go.mod is not tidy: run go mod tidy there" >&2 && return 1; }
  mkdir -p "$out"
  ln -sf "$assets/etcd" "$assets/kubectl" "$out/"
  ! cmp -s "$module/go.mod" "$out/.built-from" || return 0
  release=$(go list -C "$module" -m -f '{{.Version}}' k8s.io/kubernetes)
  IFS=. read -r major minor _ <<<"${release#v}"
  echo "Building kube-apiserver $release from source, once; this takes about 5 minutes on 2 cores ..."
  GOGC=400 nice -n 10 go build -C "$module" -trimpath -gcflags 'all=-l -dwarf=false' -o "../../../$out/" \
    -ldflags "-s -w -X $component.gitVersion=$release -X $component.gitMajor=$major -X $component.gitMinor=$minor" \
    k8s.io/kubernetes/cmd/kube-apiserver
  cp "$module/go.mod" "$out/.built-from"
  echo "Built in $((SECONDS - begun)) s."
}

# suite VERSION: what reads and writes through the API server, without the race detector. It is the same code that is raced elsewhere.
suite() {
  export KUBEBUILDER_ASSETS=$PWD/bin/controlplane-$1
  local flags=(-count=1 -vet=off -timeout=30m -v) result=0
  go test "${flags[@]}" ./internal/controller . || result=1
  go test -C cmd/kubectl-livepeer "${flags[@]}" ./internal/command || result=1
  return $result
}

failed=0
table=$(printf '%-12s %-9s %7s %7s %7s  %s' KUBERNETES RESULT PASSED FAILED SKIPPED 'WHAT FAILED')
for version in "$@"; do
  build "$version"
  log=bin/controlplane-$version/test.log result=passed
  release=$("bin/controlplane-$version/kube-apiserver" --version | cut -d ' ' -f 2)
  echo "Testing against Kubernetes $release ..."
  (suite "$version") >"$log" 2>&1 || { result=FAILED failed=1; }
  count() { grep -c "^--- $1" "$log" || true; }
  table+=$'\n'$(printf '%-12s %-9s %7s %7s %7s  %s' "$release" "$result" "$(count PASS)" "$(count FAIL)" "$(count SKIP)" \
    "$(sed -nE 's/^--- FAIL: ([^ ]+).*/\1/p; s/^(panic: .*)/\1/p' "$log" | paste -sd ' ')")
done
echo "$table"
exit $failed
