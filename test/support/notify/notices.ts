/** One notice of each kind, with texts that are given. */
import type { Notice } from '../../../controller/domain/notice/notice.ts';

export const noticesWith = (text: string, versionName = '4.2.0'): readonly Notice[] => {
  const build = { buildId: 'b42', versionName };
  const revision = '3f0c12ab90de3f0c12ab90de3f0c12ab90de3f0c';
  const common = { revision, build };
  return [
    {
      kind: 'applied',
      ...common,
      previousBuildId: 'b41',
      fromPercent: 0,
      toPercent: 10,
      finalPercent: 100,
      reason: text,
    },
    { kind: 'reverted', ...common, fromBuildId: 'b43', forceDowngrade: true, reason: text },
    {
      kind: 'refused',
      revision,
      standingRevision: undefined,
      problems: [{ code: 'rollout_missing', file: text, line: 1 }],
      problemsTotal: 9,
    },
    { kind: 'halted', ...common, by: 'admin:alice', mode: 'halt', reason: text },
    { kind: 'completed', ...common, course: 'rollout', percent: 100, running: 118, offered: 121 },
    {
      kind: 'failure_spike',
      ...common,
      failed: 7,
      ended: 40,
      windowMs: 3_600_000,
      reasons: [{ reason: 'install_failed', devices: 7 }],
    },
    { kind: 'test', by: 'admin:alice' },
  ];
};
