// SPDX-License-Identifier: Apache-2.0

import {
  ConditionsSection,
  DetailsGrid,
  ViewButton,
} from '@kinvolk/headlamp-plugin/lib/components/common';
import { useParams } from 'react-router-dom';
import { LivepeerTask, Task } from './objects';
import { Phase, PlaybackURL, Progress, SourceLink, Time } from './parts';
import { message, playbackURL, sourceName } from './read';

function rows(task: Task) {
  const { spec, status = {} } = task;
  const source = sourceName(task);
  const url = playbackURL(task);
  const why = status.errorMessage || message(task);
  return [
    { name: 'ID', value: spec.id },
    { name: 'Type', value: spec.type, hide: !spec.type },
    { name: 'Display name', value: status.displayName, hide: !status.displayName },
    { name: 'Phase', value: <Phase task={task} /> },
    { name: 'Progress', value: <Progress percent={status.progress} /> },
    { name: status.errorMessage ? 'Error' : 'Message', value: why, hide: !why },
    { name: 'Retries', value: status.retries, hide: !status.retries },
    { name: 'Created', value: <Time time={status.createdAt} /> },
    { name: 'Scheduled', value: <Time time={status.scheduledAt} /> },
    { name: 'Updated', value: <Time time={status.updatedAt} /> },
    { name: 'Input asset', value: spec.inputAssetId, hide: !spec.inputAssetId },
    { name: 'Output asset', value: spec.outputAssetId, hide: !spec.outputAssetId },
    { name: 'Playback URL', value: url && <PlaybackURL url={url} />, hide: !url },
    {
      name: 'Source',
      value: source && <SourceLink namespace={task.metadata.namespace!} name={source} />,
      hide: !source,
    },
  ];
}

export function TaskPage() {
  const { namespace, name } = useParams<{ namespace: string; name: string }>();
  return (
    <DetailsGrid
      resourceType={LivepeerTask}
      namespace={namespace}
      name={name}
      withEvents
      // The operator undoes edits and deletions, so there is no button for them.
      noDefaultActions
      actions={task => task && [<ViewButton key="view" item={task} />]}
      extraInfo={task => task && rows(task.jsonData)}
      extraSections={task =>
        task && [<ConditionsSection key="conditions" resource={task.jsonData} />]
      }
    />
  );
}
