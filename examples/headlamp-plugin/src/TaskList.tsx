// SPDX-License-Identifier: Apache-2.0

import { ResourceListView } from '@kinvolk/headlamp-plugin/lib/components/common';
import { LivepeerTask } from './objects';
import { Phase, Progress, Time } from './parts';
import { compareTasks, message } from './read';

export function TaskList() {
  return (
    <ResourceListView
      title="Livepeer tasks"
      resourceClass={LivepeerTask}
      // Tasks mirror Studio: the operator undoes what is created, edited or deleted here.
      headerProps={{ titleSideActions: [] }}
      enableRowActions={false}
      enableRowSelection={false}
      defaultSortingColumn={{ id: 'phase', desc: false }}
      columns={[
        'name',
        'namespace',
        {
          id: 'type',
          label: 'Type',
          gridTemplate: 'min-content',
          filterVariant: 'multi-select',
          getValue: task => task.jsonData.spec.type,
        },
        {
          id: 'phase',
          label: 'Phase',
          filterVariant: 'multi-select',
          gridTemplate: 'min-content',
          sort: (a, b) => compareTasks(a.jsonData, b.jsonData),
          getValue: task => task.jsonData.status?.phase,
          render: task => <Phase task={task.jsonData} />,
        },
        {
          id: 'progress',
          label: 'Progress',
          gridTemplate: 'min-content',
          getValue: task => task.jsonData.status?.progress,
          render: task => <Progress percent={task.jsonData.status?.progress} />,
        },
        {
          id: 'message',
          label: 'Message',
          gridTemplate: 'minmax(160px, 1fr)',
          getValue: task => message(task.jsonData),
        },
        {
          id: 'updated',
          label: 'Updated',
          gridTemplate: 'min-content',
          getValue: task => task.jsonData.status?.updatedAt,
          render: task => <Time time={task.jsonData.status?.updatedAt} />,
        },
      ]}
    />
  );
}
