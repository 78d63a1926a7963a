#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sees to it that there is a control plane: kube-apiserver, kubectl and etcd, or those named as arguments. Where KUBEBUILDER_ASSETS is
# set, it is what that folder holds. Otherwise it is put into bin/controlplane: downloaded by setup-envtest, checksums verified, or,
# where that can't be, built from source. The versions are those that tools/controlplane/go.mod pins (of a download, the minor
# version). Does nothing for a binary that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

pins=tools/controlplane/go.mod
out=bin/controlplane
job=
exec 3>&1 # progress, whatever the output of a command is used for

# What takes long runs in the background, where Ctrl-C does not reach it by itself.
trap '[ -z "$job" ] || kill "$job" 2>/dev/null || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

package() {
  case $1 in
    kube-apiserver | kubectl) echo "k8s.io/kubernetes/cmd/$1" ;;
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    *) echo "unknown binary $1: kube-apiserver, kubectl or etcd" >&2 && return 1 ;;
  esac
}

# await NAME LIMIT COMMAND... runs a command, says every 20 s that it goes on, and ends it after LIMIT seconds; 0 is no limit.
await() {
  local what=$1 limit=$2 begun=$SECONDS last=$SECONDS
  shift 2
  "$@" &
  job=$!
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.2
    if [ "$limit" -gt 0 ] && [ $((SECONDS - begun)) -ge "$limit" ]; then
      kill "$job" 2>/dev/null || true
    elif [ $((SECONDS - last)) -ge 20 ]; then
      last=$SECONDS
      echo "  ... $what ($((SECONDS - begun)) s)" >&3
    fi
  done
  local result=0
  wait "$job" || result=$?
  job=
  return $result
}

# take NAME FILE puts a binary into place.
take() {
  mv "$2" "$out/$1"
  cp "$pins" "$out/.$1.built-from"
}

wanted=("$@")
[ $# -gt 0 ] || wanted=(kube-apiserver kubectl etcd)
# look puts into $missing what is still to be got.
look() {
  missing=()
  for name in "${wanted[@]}"; do
    if [ -z "${KUBEBUILDER_ASSETS:-}" ]; then
      [ -x "$out/$name" ] && cmp -s "$pins" "$out/.$name.built-from" || missing+=("$name")
    elif [ ! -x "$KUBEBUILDER_ASSETS/$name" ]; then
      echo "KUBEBUILDER_ASSETS is $KUBEBUILDER_ASSETS, and there is no $name in it: unset it, or name a folder that holds ${wanted[*]}" >&2
      exit 1
    fi
  done
}
for name in "${wanted[@]}"; do
  package "$name" >/dev/null
done
look
[ ${#missing[@]} -gt 0 ] || exit 0
mkdir -p "$out"
# Two that begin at once (make demo beside make test) would build into the same folder.
exec 4>"$out/.lock"
flock --nonblock 4 || await "waiting for another that gets it" 0 flock 4
look
[ ${#missing[@]} -gt 0 ] || exit 0

version=$(go list -C tools/controlplane -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
envtest=$PWD/bin/setup-envtest

# setup_envtest runs it with the index of ENVTEST_INDEX, where that is set: a copy of the public one, for instance.
setup_envtest() {
  local command=$1
  shift
  "$envtest" "$command" "$major.$minor.x" ${ENVTEST_INDEX:+--index "$ENVTEST_INDEX"} --bin-dir "$PWD/bin/envtest" "$@"
}

# download puts what is missing into place; where it can't, it says why in $why.
download() {
  local folder
  if ! await "building setup-envtest" 0 go build -C tools/envtest -o "$envtest" sigs.k8s.io/controller-runtime/tools/setup-envtest 2>"$log"; then
    why="setup-envtest can't be built"
  elif ! await "looking for a release" 20 setup_envtest list >"$log.list" 2>"$log"; then
    why="its index can't be reached"
  elif ! grep -q "v$major\.$minor\." "$log.list"; then
    why="it has none of Kubernetes $major.$minor"
  elif ! await "downloading" 0 setup_envtest use --print path >"$log.path" 2>"$log"; then
    why="the download failed"
  else
    folder=$(cat "$log.path")
    for name in "${missing[@]}"; do
      cp "$folder/$name" "$out/.$name.new"
      take "$name" "$out/.$name.new"
    done
    return 0
  fi
  [ ! -s "$log" ] || why+=" ($(tail -n 1 "$log" | cut -c 1-200))"
  return 1
}

log=$(mktemp)
trap '[ -z "$job" ] || kill "$job" 2>/dev/null || true; rm -f "$log" "$log.list" "$log.path"' EXIT
why=
echo "Getting ${missing[*]} of Kubernetes $major.$minor, once: setup-envtest downloads them where it can."
if download; then
  echo "Downloaded in $SECONDS s."
  exit 0
fi
echo "No download: $why."

# Without these, the API server says v0.0.0 and kubectl warns of it.
component=k8s.io/component-base/version client=k8s.io/client-go/pkg/version
flags="-s -w -X $component.gitVersion=$version -X $component.gitMajor=$major -X $component.gitMinor=$minor -X $client.gitVersion=$version"
packages=()
for name in "${missing[@]}"; do
  packages+=("$(package "$name")")
done
echo "Building ${missing[*]} from source instead, once; all three together take about 5 minutes on 2 cores ..."
rm -rf "$out/.new"
# One build for all, so that what they share is compiled once, and linking goes on beside compiling. Nobody debugs these binaries, and most of
# what is in them never runs: it is not worth inlining. Where nothing is inlined, the API server takes a third more CPU. GOGC is the compiler's own.
gcflags=(-gcflags 'all=-dwarf=false')
for seldom in k8s.io/kubernetes k8s.io/api k8s.io/client-go; do
  gcflags+=(-gcflags "$seldom/...=-dwarf=false -l")
done
GOGC=400 await "still building" 0 go build -C tools/controlplane -trimpath "${gcflags[@]}" -ldflags "$flags" -o "../../$out/.new/" "${packages[@]}"
for name in "${missing[@]}"; do
  built=$name
  [ "$name" != etcd ] || built=server # the last element of its package's path
  take "$name" "$out/.new/$built"
done
rm -rf "$out/.new"
echo "Built in $SECONDS s."
