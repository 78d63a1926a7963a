#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds the control plane (kube-apiserver, kubectl and etcd, or those named as arguments) from source into
# bin/controlplane, in the versions that tools/controlplane/go.mod pins. Does nothing for a binary that was built from
# that very file.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=tools/controlplane/go.mod
out=bin/controlplane
builder=

# The build runs in the background, where Ctrl-C does not reach it by itself.
trap '[ -z "$builder" ] || kill "$builder" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

package() {
  case $1 in
    kube-apiserver | kubectl) echo "k8s.io/kubernetes/cmd/$1" ;;
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    *) echo "unknown binary $1: kube-apiserver, kubectl or etcd" >&2 && return 1 ;;
  esac
}

# Without these, the API server says v0.0.0 and kubectl warns of it.
version_flags() {
  local version major minor rest component=k8s.io/component-base/version client=k8s.io/client-go/pkg/version
  version=$(go list -C tools/controlplane -m -f '{{.Version}}' k8s.io/kubernetes)
  IFS=. read -r major minor rest <<<"${version#v}"
  echo "-s -w -X $component.gitVersion=$version -X $component.gitMajor=$major -X $component.gitMinor=$minor" \
    "-X $client.gitVersion=$version"
}

build() {
  local name=$1 flags=$2 begun=$SECONDS last=$SECONDS
  go build -C tools/controlplane -trimpath -ldflags "$flags" -o "../../$out/.$name.new" "$(package "$name")" &
  builder=$!
  while kill -0 "$builder" 2>/dev/null; do
    sleep 1
    if [ $((SECONDS - last)) -ge 20 ]; then
      last=$SECONDS
      echo "  ... still building $name ($((SECONDS - begun)) s)"
    fi
  done
  wait "$builder" || { builder= && return 1; }
  builder=
  mv "$out/.$name.new" "$out/$name"
  cp "$pins" "$out/.$name.built-from"
  echo "  $name built in $((SECONDS - begun)) s"
}

missing=()
for name in "${@:-kube-apiserver kubectl etcd}"; do
  for one in $name; do
    package "$one" >/dev/null
    [ -x "$out/$one" ] && cmp -s "$pins" "$out/.$one.built-from" || missing+=("$one")
  done
done
[ ${#missing[@]} -gt 0 ] || exit 0

mkdir -p "$out"
echo "Building ${missing[*]} from source, once; all three together take about 7 minutes on 2 cores ..."
flags=$(version_flags)
for name in "${missing[@]}"; do
  build "$name" "$flags"
done
echo "Built in $SECONDS s."
