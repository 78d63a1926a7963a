// SPDX-License-Identifier: Apache-2.0

// Follows LivepeerTasks. docs/app-developers.md explains it.
import { CustomObjectsApi, KubeConfig, ListWatch, Watch } from '@kubernetes/client-node';

const kind = { group: 'studio.livepeer.org', version: 'v1alpha1', plural: 'livepeertasks' };

// Calls added with each task that is in the selection or comes into it, and changed with each that changes in it. Goes on
// after errors and lost connections, until the process ends.
async function follow(namespace, fieldSelector, added, changed) {
  const config = new KubeConfig();
  config.loadFromDefault();
  const api = config.makeApiClient(CustomObjectsApi);
  const list = () => api.listNamespacedCustomObject({ ...kind, namespace, fieldSelector });
  const path = `/apis/${kind.group}/${kind.version}/namespaces/${namespace}/${kind.plural}`;
  const tasks = new ListWatch(path, new Watch(config), list, false, undefined, fieldSelector);
  tasks.on('add', added);
  if (changed) tasks.on('update', changed);
  tasks.on('error', (error) => {
    console.error(`Watching tasks: ${error.message}. Trying again in 5 s.`);
    setTimeout(() => tasks.start(), 5000);
  });
  await tasks.start();
}

function failures(namespace) {
  return follow(namespace, 'status.phase=failed', ({ spec, status }) => {
    console.log(`${spec.id} (${spec.type}): ${status.errorMessage}`);
  });
}

function completions(namespace) {
  return follow(namespace, 'status.phase=completed', ({ spec, status }) => {
    const made = status.output?.upload ?? status.output?.clip;
    const url = made?.assetSpec?.playbackUrl;
    if (url) console.log(`${status.displayName ?? spec.id}: ${url}`);
  });
}

function wait(namespace, assetId) {
  const look = ({ spec, status }) => {
    console.log(`${spec.id}: ${status?.phase ?? 'new'} ${status?.errorMessage ?? ''}`.trim());
    const finished = status?.conditions?.find((condition) => condition.type === 'Finished');
    if (finished?.status === 'True') process.exit(status.phase === 'completed' ? 0 : 1);
  };
  return follow(namespace, `spec.outputAssetId=${assetId}`, look, look);
}

const [namespace, command, ...rest] = process.argv.slice(2);
const run = { failures, completions, wait }[command];
if (!run || (run === wait) !== (rest.length === 1)) {
  console.error('Usage: node tasks.js <namespace> failures|completions|wait <asset ID>');
  process.exit(2);
}
await run(namespace, ...rest);
