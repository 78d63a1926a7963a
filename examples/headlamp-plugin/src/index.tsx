// SPDX-License-Identifier: Apache-2.0

import { registerRoute, registerSidebarEntry } from '@kinvolk/headlamp-plugin/lib';
import { LivepeerTask, LivepeerTaskSource } from './objects';
import { SourceList, SourcePage } from './Sources';
import { TaskList } from './TaskList';
import { TaskPage } from './TaskPage';

const tasks = '/livepeer/tasks';
const sources = '/livepeer/sources';

registerSidebarEntry({
  parent: null,
  name: 'livepeer',
  label: 'Livepeer',
  icon: 'mdi:video-outline',
  url: tasks,
});
registerSidebarEntry({ parent: 'livepeer', name: 'livepeer-tasks', label: 'Tasks', url: tasks });
registerSidebarEntry({
  parent: 'livepeer',
  name: 'livepeer-sources',
  label: 'Sources',
  url: sources,
});

// Headlamp finds the pages of an object by these names.
registerRoute({
  name: LivepeerTask.listRoute,
  path: tasks,
  sidebar: 'livepeer-tasks',
  exact: true,
  component: TaskList,
});
registerRoute({
  name: LivepeerTask.detailsRoute,
  path: `${tasks}/:namespace/:name`,
  sidebar: 'livepeer-tasks',
  component: TaskPage,
});
registerRoute({
  name: LivepeerTaskSource.listRoute,
  path: sources,
  sidebar: 'livepeer-sources',
  exact: true,
  component: SourceList,
});
registerRoute({
  name: LivepeerTaskSource.detailsRoute,
  path: `${sources}/:namespace/:name`,
  sidebar: 'livepeer-sources',
  component: SourcePage,
});
