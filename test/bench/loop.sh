# SPDX-License-Identifier: Apache-2.0
#
# What one would write without an operator: list the tasks, and apply spec and status of each. (One kubectl for all of
# them would be quicker, until one task is refused.)
set -euo pipefail
curl -sf -H "Authorization: Bearer $KEY" "$STUDIO/task?limit=1000" | jq -c '.[]' | while read -r task; do
  # shellcheck disable=SC2016 # $t is jq's
  object='. as $t | {
    apiVersion: "studio.livepeer.org/v1alpha1", kind: "LivepeerTask",
    metadata: {name: .id, labels: {"studio.livepeer.org/source": "main", "studio.livepeer.org/type": .type}}
  }'
  spec='{spec: ({id, type, inputAssetId, outputAssetId, projectId, requesterId, params: {upload: {url: .params.upload.url}}})}'
  status='{status: {phase: .status.phase, progress: 50, retries: .status.retries, errorMessage: .status.errorMessage,
    createdAt: (.createdAt / 1000 | todate), updatedAt: (.status.updatedAt / 1000 | todate)}}'
  jq -c "($object) + ($spec)" <<<"$task" | "$KUBECTL" apply -f - >/dev/null
  jq -c "($object) + ($status)" <<<"$task" |
    "$KUBECTL" apply --server-side --force-conflicts --subresource=status -f - >/dev/null
done
