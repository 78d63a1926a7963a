// SPDX-License-Identifier: Apache-2.0

import { KubeObject, KubeObjectInterface } from '@kinvolk/headlamp-plugin/lib/k8s/cluster';

export interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  lastTransitionTime: string;
}

export interface Task extends KubeObjectInterface {
  spec: {
    id: string;
    type?: string;
    inputAssetId?: string;
    outputAssetId?: string;
  };
  // Absent for a moment: Kubernetes takes an object and its status in two writes.
  status?: {
    phase?: string;
    progress?: number;
    displayName?: string;
    retries?: number;
    errorMessage?: string;
    createdAt?: string;
    scheduledAt?: string;
    updatedAt?: string;
    output?: Record<string, { assetSpec?: { playbackUrl?: string } }>;
    conditions?: Condition[];
  };
}

export interface Source extends KubeObjectInterface {
  spec: {
    url?: string;
    interval?: string;
    suspend?: boolean;
  };
  status?: {
    lastPollTime?: string;
    lastFullSyncTime?: string;
    tasks?: { total: number; running: number; failed: number; stalled?: number };
    conditions?: Condition[];
  };
}

export class LivepeerTask extends KubeObject<Task> {
  static kind = 'LivepeerTask';
  static apiName = 'livepeertasks';
  static apiVersion = 'studio.livepeer.org/v1alpha1';
  static isNamespaced = true;
}

export class LivepeerTaskSource extends KubeObject<Source> {
  static kind = 'LivepeerTaskSource';
  static apiName = 'livepeertasksources';
  static apiVersion = 'studio.livepeer.org/v1alpha1';
  static isNamespaced = true;
}
