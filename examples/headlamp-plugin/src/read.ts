// SPDX-License-Identifier: Apache-2.0

import { Condition, Source, Task } from './objects';

export type Colour = 'success' | 'warning' | 'error' | '';

export function condition(object: Task | Source, type: string): Condition | undefined {
  return object.status?.conditions?.find(c => c.type === type);
}

// Every other phase is under way, also one that is newer than the operator.
function hasEnded(task: Task): boolean {
  return ['completed', 'failed', 'cancelled'].includes(task.status?.phase ?? '');
}

// Under way first; of each half, what changed last first.
export function compareTasks(a: Task, b: Task): number {
  return Number(hasEnded(a)) - Number(hasEnded(b)) || updated(b) - updated(a);
}

function updated(task: Task): number {
  return Date.parse(task.status?.updatedAt ?? '') || 0;
}

export function phaseColour(task: Task): Colour {
  switch (task.status?.phase) {
    case 'completed':
      return 'success';
    case 'failed':
    case 'cancelled':
      return 'error';
  }
  return condition(task, 'Stalled')?.status === 'True' ? 'warning' : '';
}

// Why a task failed or waits, in a few words: what kubectl shows as MESSAGE.
export function message(task: Task): string {
  return condition(task, 'Finished')?.message ?? '';
}

// Uploads and clips have one, and so have the old types; a task has the output of its own type only.
export function playbackURL(task: Task): string | undefined {
  return Object.values(task.status?.output ?? {}).find(output => output?.assetSpec?.playbackUrl)
    ?.assetSpec?.playbackUrl;
}

export function isWebURL(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

export function sourceName(task: Task): string | undefined {
  return task.metadata.labels?.['studio.livepeer.org/source'];
}

export function readyColour(source: Source): Colour {
  const ready = condition(source, 'Ready');
  switch (ready?.status) {
    case 'True':
      return 'success';
    case 'False':
      return ready.reason === 'Suspended' ? '' : 'error';
  }
  return '';
}
