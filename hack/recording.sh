#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Records kubectl livepeer watch beside the demo, as docs/watch.svg. It takes asciinema (a Debian package) and npx.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in asciinema npx; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install it (Debian: apt-get install asciinema npm)" >&2 && exit 1; }
done
scratch=$(mktemp -d)
demo=
trap '[ -z "$demo" ] || { kill -INT "$demo" 2>/dev/null && wait "$demo"; } || true; rm -rf "$scratch"' EXIT

bin/demo >"$scratch/demo.log" 2>&1 &
demo=$!
for _ in $(seq 120); do
  sleep 1
  kubeconfig=$(sed -n 's/.*export KUBECONFIG=//p' "$scratch/demo.log" | head -n 1)
  [ -n "$kubeconfig" ] && grep -q 'True .*Mirroring' "$scratch/demo.log" && break
done
export KUBECONFIG=$kubeconfig PATH=$PWD/bin:$PATH TERM=xterm-256color
asciinema rec -q --overwrite --cols 106 --rows 20 -c "timeout --foreground -s INT 15 kubectl-livepeer watch -n media" "$scratch/watch.cast"
npx --yes svg-term-cli@2.1.1 --in "$scratch/watch.cast" --out docs/watch.svg --window --no-cursor --width 110 --height 20
echo "docs/watch.svg is written ($(du -k docs/watch.svg | cut -f 1) KiB)."
