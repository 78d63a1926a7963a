// SPDX-License-Identifier: Apache-2.0

import {
  ConditionsSection,
  DetailsGrid,
  ResourceListView,
} from '@kinvolk/headlamp-plugin/lib/components/common';
import { useParams } from 'react-router-dom';
import { LivepeerTaskSource, Source } from './objects';
import { Ready, Time } from './parts';
import { condition } from './read';

export function SourceList() {
  return (
    <ResourceListView
      title="Livepeer sources"
      resourceClass={LivepeerTaskSource}
      columns={[
        'name',
        'namespace',
        {
          id: 'ready',
          label: 'Ready',
          gridTemplate: 'min-content',
          getValue: source => condition(source.jsonData, 'Ready')?.reason,
          render: source => <Ready source={source.jsonData} />,
        },
        {
          id: 'message',
          label: 'Message',
          gridTemplate: 'minmax(160px, 1fr)',
          getValue: source => condition(source.jsonData, 'Ready')?.message,
        },
        { id: 'tasks', label: 'Tasks', getValue: source => source.jsonData.status?.tasks?.total },
        {
          id: 'running',
          label: 'Running',
          getValue: source => source.jsonData.status?.tasks?.running,
        },
        {
          id: 'failed',
          label: 'Failed',
          getValue: source => source.jsonData.status?.tasks?.failed,
        },
        {
          id: 'stalled',
          label: 'Stalled',
          getValue: source => source.jsonData.status?.tasks?.stalled,
        },
        {
          id: 'last-poll',
          label: 'Last poll',
          gridTemplate: 'min-content',
          getValue: source => source.jsonData.status?.lastPollTime,
          render: source => <Time time={source.jsonData.status?.lastPollTime} />,
        },
      ]}
    />
  );
}

function rows(source: Source) {
  const { spec, status = {} } = source;
  return [
    { name: 'Ready', value: <Ready source={source} /> },
    { name: 'Message', value: condition(source, 'Ready')?.message },
    { name: 'URL', value: spec.url },
    { name: 'Interval', value: spec.interval },
    { name: 'Suspended', value: spec.suspend ? 'Yes' : 'No' },
    { name: 'Tasks', value: status.tasks?.total },
    { name: 'Running', value: status.tasks?.running },
    { name: 'Failed', value: status.tasks?.failed },
    { name: 'Stalled', value: status.tasks?.stalled },
    { name: 'Last poll', value: <Time time={status.lastPollTime} /> },
    { name: 'Last full sync', value: <Time time={status.lastFullSyncTime} /> },
  ];
}

export function SourcePage() {
  const { namespace, name } = useParams<{ namespace: string; name: string }>();
  return (
    <DetailsGrid
      resourceType={LivepeerTaskSource}
      namespace={namespace}
      name={name}
      withEvents
      extraInfo={source => source && rows(source.jsonData)}
      extraSections={source =>
        source && [<ConditionsSection key="conditions" resource={source.jsonData} />]
      }
    />
  );
}
