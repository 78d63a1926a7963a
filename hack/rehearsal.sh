#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Rehearses a release: in a clone of what is committed, with a tag that is made up there, by the same make targets as the release
# workflow. In place of a registry, images are archives. What can't be done here is said. Leaves nothing but what it prints.
# Environment: MAKE.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT
[ -z "$(git -C "$root" status --porcelain)" ] || echo "NOTE: only what is committed is rehearsed"
# Got once, and the same for whoever asks.
export KUBEBUILDER_ASSETS=${KUBEBUILDER_ASSETS:-$root/bin/controlplane}

git clone --quiet "$root" "$clone/project"
cd "$clone/project"
VERSION=$(sed -n 's/^appVersion: //p' charts/livepeer-task-operator/Chart.yaml)
export VERSION
# What is released is no longer unreleased: the one change that the commit of a release makes.
grep -q "^## \[${VERSION#v}\]" CHANGELOG.md || sed -i "s/^## \[Unreleased\]$/## [${VERSION#v}]/" CHANGELOG.md
git -c user.name=rehearsal -c user.email=rehearsal@example.com commit --quiet --all --allow-empty -m "Release $VERSION"
git -c user.name=rehearsal -c user.email=rehearsal@example.com tag --no-sign -a -m "$VERSION" "$VERSION"
echo "Rehearsing $VERSION, of $(git rev-parse --short HEAD^) ..."

run() { "${MAKE:-make}" --no-print-directory "$@"; }
run release-check
run vulncheck
run release-images
digest=$(cat bin/release/operator.digest)
run release-files "IMG=ghcr.io/livepeer/livepeer-task-operator:$VERSION@$digest"
run release-bundle-image
run release-notes

echo "Checking what was made ..."
(cd dist && sha256sum --quiet -c SHA256SUMS)
for file in dist/install.yaml dist/bundle/manifests/livepeer-task-operator.clusterserviceversion.yaml; do
  grep -qF "$VERSION@$digest" "$file" || { echo "$file does not name the image by its digest" >&2; exit 1; }
done
bin/helm template rehearsal "dist/livepeer-task-operator-${VERSION#v}.tgz" >/dev/null
grep -qx "  version: $VERSION" dist/livepeer.yaml
plugin=bin/plugin/linux-$(go env GOARCH)/kubectl-livepeer
"$plugin" version | grep -qF "$VERSION" || { echo "$plugin does not say $VERSION" >&2; exit 1; }

echo
echo "Attached to the release:"
find dist -maxdepth 1 -type f -printf '%s\t%P\n' | sort -k 2
echo "Pushed:"
find bin/release -name '*.tar' -printf '%s\t%P\n' | sort -k 2
echo "Notes: $(wc -l <bin/release/notes.md) lines"
echo "NOT REHEARSED: the look-up of the base images' digests, Docker's build on them with its SBOM and provenance, attestations, and every push"
