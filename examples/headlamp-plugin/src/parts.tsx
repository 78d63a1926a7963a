// SPDX-License-Identifier: Apache-2.0

import { DateLabel, Link, StatusLabel } from '@kinvolk/headlamp-plugin/lib/components/common';
import { Box, LinearProgress, Link as WebLink, Typography } from '@mui/material';
import { Source, Task } from './objects';
import { condition, isWebURL, phaseColour, readyColour } from './read';

export function Phase({ task }: { task: Task }) {
  return <StatusLabel status={phaseColour(task)}>{task.status?.phase ?? 'unknown'}</StatusLabel>;
}

export function Ready({ source }: { source: Source }) {
  return (
    <StatusLabel status={readyColour(source)}>
      {condition(source, 'Ready')?.reason ?? 'Unknown'}
    </StatusLabel>
  );
}

// No bar where the progress is unknown: an empty one would say 0 %.
export function Progress({ percent }: { percent?: number }) {
  if (percent === undefined) {
    return <>-</>;
  }
  return (
    <Box display="flex" alignItems="center" gap={1} minWidth={140} maxWidth={320}>
      <LinearProgress
        aria-label="Progress"
        variant="determinate"
        value={percent}
        sx={{ flexGrow: 1, height: 8, borderRadius: 1 }}
      />
      <Typography variant="body2" minWidth="5ch" textAlign="right">
        {percent} %
      </Typography>
    </Box>
  );
}

// The key, since DateLabel goes on showing the age of the first date that it was given.
export function Time({ time }: { time?: string }) {
  return time ? <DateLabel key={time} date={time} /> : <>-</>;
}

// Objects hold what Studio sent: only http and https become a link.
export function PlaybackURL({ url }: { url: string }) {
  if (!isWebURL(url)) {
    return <>{url}</>;
  }
  return (
    <WebLink href={url} target="_blank" rel="noopener noreferrer">
      {url}
    </WebLink>
  );
}

export function SourceLink({ namespace, name }: { namespace: string; name: string }) {
  return (
    <Link routeName="LivepeerTaskSource" params={{ namespace, name }}>
      {name}
    </Link>
  );
}
