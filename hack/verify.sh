#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks that what is generated is up to date, whether git tracks it or not; that code is formatted and carries its
# licence; that the module files are tidy; and that each kustomization renders. Works on a tree with changes too.
# Environment: MAKE, KUBECTL.
set -euo pipefail
cd "$(dirname "$0")/.."

failed=0
fail() {
  echo "FAIL: $1" >&2
  failed=1
}

# Names and contents of all files that are not ignored, new ones included.
snapshot() {
  git status --porcelain --untracked-files=all
  git ls-files -z --cached --others --exclude-standard | xargs -0 cksum 2>/dev/null || true
}

go_files() {
  git ls-files -z --cached --others --exclude-standard -- '*.go' | while IFS= read -r -d '' file; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
  done
}

echo "Verifying generated files ..."
before=$(snapshot)
"${MAKE:-make}" --no-print-directory generate manifests
if ! drift=$(diff <(echo "$before") <(snapshot)); then
  echo "$drift" >&2
  fail "generated files were out of date; they are regenerated now: commit them"
fi

echo "Verifying module files ..."
# make test-recipes looks at four of them: they take what the tools are tested with, gigabytes of it, and Argo CD a newer Go.
# Several at once, since the first time each downloads much.
for module in . api/ cmd/*/ tools/*/ test/recipes/ test/compat/; do
  case "$module" in tools/argocd/ | tools/kube-controller-manager/ | tools/olm-operator/ | tools/traefik/) continue ;; esac
  [ ! -f "$module/go.mod" ] || printf '%s\0' "$module" # tools/kubernetes is a folder of some: see hack/versions.sh
done | xargs -0 -n 1 -P 6 bash -c 'go mod -C "$1" tidy -diff || { echo "FAIL: $1/go.mod is not tidy: run go mod tidy there" >&2; exit 1; }' - ||
  failed=1

echo "Verifying that what is scanned is what is shipped ..."
toolchain=$(sed -n 's/^toolchain go//p' go.mod)
[ "$(sed -n 's/^toolchain go//p' cmd/kubectl-livepeer/go.mod)" = "$toolchain" ] || fail "cmd/kubectl-livepeer/go.mod has another toolchain than go.mod"
for file in Dockerfile test/e2e/Dockerfile; do
  [ "$(grep -oE 'golang:[0-9.]+' "$file")" = "golang:$toolchain" ] || fail "$file builds with another Go than the toolchain line in go.mod"
done

echo "Verifying format and licence headers ..."
cmp -s LICENSE api/LICENSE || fail "api/LICENSE is not LICENSE: copy it, since api is a module of its own"
unformatted=$(go_files | xargs gofmt -l)
[ -z "$unformatted" ] || fail "not formatted (make fmt): $unformatted"
while IFS= read -r file; do
  [ "$(head -n 1 "$file")" = "// SPDX-License-Identifier: Apache-2.0" ] ||
    fail "$file does not begin with // SPDX-License-Identifier: Apache-2.0"
done < <(go_files | grep -v '/zz_generated')

# One room is for one thing, and can be read in an afternoon. The API client is one program with its paging, and larger.
while read -r lines room; do
  [ "$lines" -le 1500 ] || fail "$room has $lines lines of code without its tests, and 1,500 at most: move or merge something"
done < <(go_files | grep '^internal/' | grep -vE '_test\.go$|^internal/studio/' | while IFS= read -r file; do
  echo "$(wc -l <"$file") $(dirname "$file")"
done | awk '{ lines[$2] += $1 } END { for (room in lines) print lines[room], room }')

if marked=$(git grep -lE '^(<{7}|>{7})( |$)'); then
  fail "conflict markers are left in: $marked"
fi

echo "Verifying kustomizations ..."
for file in config/*/kustomization.yaml config/*/*/kustomization.yaml examples/*/manifests/kustomization.yaml; do
  "${KUBECTL:-kubectl}" kustomize "$(dirname "$file")" >/dev/null || fail "$file does not render"
done

[ "$failed" -eq 0 ] || exit 1
echo "Verified."
