// SPDX-License-Identifier: Apache-2.0

import '@testing-library/jest-dom/vitest';
import { render, screen } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { Task } from './objects';
import { PlaybackURL, Progress, Time } from './parts';
import { compareTasks, isWebURL, phaseColour, playbackURL } from './read';

function task(name: string, status: Task['status']): Task {
  return { kind: 'LivepeerTask', metadata: { name }, spec: { id: name }, status } as Task;
}

describe('the list of tasks', () => {
  it('has those under way first, and of each half what changed last', () => {
    const tasks = [
      task('completed long ago', { phase: 'completed', updatedAt: '2026-10-01T00:00:00.000000Z' }),
      task('failed just now', { phase: 'failed', updatedAt: '2026-10-01T09:00:00.000000Z' }),
      task('waiting', { phase: 'waiting', updatedAt: '2026-10-01T01:00:00.000000Z' }),
      task('cancelled', { phase: 'cancelled', updatedAt: '2026-10-01T05:00:00.000000Z' }),
      task('of a newer phase', { phase: 'archiving', updatedAt: '2026-10-01T02:00:00.000000Z' }),
      task('running', { phase: 'running', updatedAt: '2026-10-01T03:00:00.000000Z' }),
      task('without a status', undefined),
    ];
    expect(tasks.sort(compareTasks).map(t => t.metadata.name)).toEqual([
      'running',
      'of a newer phase',
      'waiting',
      'without a status',
      'failed just now',
      'cancelled',
      'completed long ago',
    ]);
  });

  it('marks what is stalled, but keeps the colour of what has ended', () => {
    const stalled = { type: 'Stalled', status: 'True', reason: 'NoUpdate', message: '' };
    const conditions = [{ ...stalled, lastTransitionTime: '2026-10-01T00:00:00Z' }];
    expect(phaseColour(task('a', { phase: 'running' }))).toBe('');
    expect(phaseColour(task('a', { phase: 'running', conditions }))).toBe('warning');
    expect(phaseColour(task('a', { phase: 'failed', conditions }))).toBe('error');
    expect(phaseColour(task('a', { phase: 'completed' }))).toBe('success');
    expect(phaseColour(task('a', undefined))).toBe('');
  });
});

describe('the progress bar', () => {
  it.each([0, 50, 100])('shows %i percent', percent => {
    render(<Progress percent={percent} />);
    expect(screen.getByRole('progressbar')).toHaveAttribute('aria-valuenow', String(percent));
    expect(screen.getByText(`${percent} %`)).toBeInTheDocument();
  });

  it('is not there while the progress is unknown', () => {
    render(<Progress />);
    expect(screen.queryByRole('progressbar')).toBeNull();
    expect(screen.getByText('-')).toBeInTheDocument();
  });
});

describe('a time', () => {
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

  it('follows the object', () => {
    // Else the kit shows the same age for every date.
    vi.stubEnv('UNDER_TEST', 'false');
    const { container, rerender } = render(<Time time={ago(7200)} />);
    expect(container).toHaveTextContent('2h');
    rerender(<Time time={ago(60)} />);
    expect(container).toHaveTextContent('1m');
    rerender(<Time />);
    expect(container).toHaveTextContent('-');
    vi.unstubAllEnvs();
  });
});

describe('the playback URL', () => {
  const url = 'https://cdn.example.com/hls/27d2c5368ce097ae/index.m3u8';

  it.each(['upload', 'clip', 'import', 'transcode'])('is found in the output of %s', type => {
    const output = { [type]: { assetSpec: { playbackUrl: url } } };
    expect(playbackURL(task('a', { output }))).toBe(url);
  });

  it('is absent where the output has none', () => {
    expect(playbackURL(task('a', undefined))).toBeUndefined();
    expect(playbackURL(task('a', { output: { export: {} } }))).toBeUndefined();
  });

  it('is a link that tells the other site nothing', () => {
    render(<PlaybackURL url={url} />);
    const link = screen.getByRole('link', { name: url });
    expect(link).toHaveAttribute('href', url);
    expect(link).toHaveAttribute('rel', 'noopener noreferrer');
  });

  it.each([
    'javascript:alert(1)',
    ' JavaScript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    '//cdn.example.com/index.m3u8',
    'cdn.example.com',
    '',
  ])('is no link, but text, where it is %s', unsafe => {
    expect(isWebURL(unsafe)).toBe(false);
    const { container } = render(<PlaybackURL url={unsafe} />);
    expect(container.querySelector('a, script')).toBeNull();
    expect(container.textContent).toBe(unsafe);
  });
});
