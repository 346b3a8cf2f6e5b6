/** Connects the changes that people propose on the pages with this controller's judgement and GitHub. */
import { makeChanges } from '../changes/changes.ts';
import type { GitHubConsole } from '../github/console.ts';
import type { JudgeTree } from '../github/pulls.ts';
import type { Changes, Source } from '../ports/index.ts';
import type { Foundation } from './foundation.ts';

export const changesOf = (
  { settings, nowMs, store }: Foundation,
  parts: {
    readonly source: Source;
    readonly judge: JudgeTree;
    readonly github: GitHubConsole | undefined;
  },
): Changes =>
  makeChanges({
    source: parts.source,
    desired: store.desired,
    devices: store.devices,
    audit: store.audit,
    judge: parts.judge,
    open: parts.github?.openChange,
    activeWithinMs: settings.OTA_ACTIVE_WINDOW,
    pollMs: settings.OTA_POLL_INTERVAL,
    nowMs,
  });
