/**
 * Prepares a change that a person requested: edits the newest files of the branch, judges them like a pull request, counts
 * the fleet, and passes the texts on for a pull request. If the plan has changed since it was shown, it is shown again.
 */
import { changeBranch } from '../domain/change-branch.ts';
import type { DeviceId } from '../domain/ids.ts';
import { type Judgement, problemsOf } from '../domain/judging/judge.ts';
import { fleetCounter } from '../domain/plan/fleet.ts';
import { forecastPlan, takersIn } from '../domain/plan/outlook.ts';
import { hasError } from '../domain/problem.ts';
import type { DesiredState, Rollout } from '../domain/release.ts';
import { chooseSeed, SEED_FLEET_LIMIT, seedOf, stepsOfPercent } from '../domain/seed.ts';
import type { Standing } from '../domain/standing.ts';
import {
  type Ask,
  type AuditStore,
  type Changes,
  type DesiredStore,
  type DeviceStore,
  fleetOf,
  type OpenedPull,
  type OpeningPull,
  type Proposed,
  type RefusedChange,
  type ShownChange,
  type Source,
  type SourceTree,
} from '../ports/index.ts';
import type { Change } from '../yaml/change/index.ts';
import { readSteps } from '../yaml/change/steps.ts';
import { changeTree } from '../yaml/change/tree.ts';

interface ChangesOptions {
  readonly source: Pick<Source, 'head' | 'read' | 'push'>;
  readonly desired: Pick<DesiredStore, 'applied'>;
  readonly devices: Pick<DeviceStore, 'scan' | 'checkInGaps'>;
  readonly audit: Pick<AuditStore, 'record'>;
  /** Judges a tree as if it were merged now. */
  readonly judge: (tree: SourceTree, standing: Standing | undefined) => Promise<Judgement>;
  /** Undefined without GitHub; then a branch is pushed, if the source is a repository. */
  readonly open: ((pull: OpeningPull) => Promise<OpenedPull>) | undefined;
  readonly activeWithinMs: number;
  readonly pollMs: number;
  readonly nowMs: () => number;
}

type Made = Extract<Proposed, { kind: 'opened' | 'pushed' }>;

export function makeChanges(options: ChangesOptions): Changes {
  const { source, desired, devices, judge, open, nowMs } = options;

  async function show(ask: Ask): Promise<ShownChange | RefusedChange> {
    const base = await source.head();
    const tree = await source.read(base);
    const applied = await desired.applied();
    const asWritten = await judge(tree, undefined);
    if (asWritten.plan === undefined)
      return refused('The newest commit of the branch is invalid: fix it first', undefined, asWritten);
    const written = asWritten.plan.head;
    const change = await changeOf(ask, written.state);
    if (typeof change === 'string')
      return { kind: 'refused', message: change, hint: undefined, problems: [] };
    const changed = changeTree(tree, { written: written.state, merged: applied ?? written }, change);
    if (!changed.ok) return { kind: 'refused', message: changed.message, hint: changed.hint, problems: [] };
    if (changed.texts.size === 0)
      return {
        kind: 'refused',
        message: 'Nothing to change: the files already say this',
        hint: undefined,
        problems: [],
      };
    const judgement = await judge(changed.tree, applied);
    const { plan } = judgement;
    const files = [...changed.texts].map(([file, texts]) => ({ file, ...texts }));
    // Missing approvals are given on the pull request; any other error would get the merge refused.
    const { approval: _, ...others } = judgement.problems;
    if (plan === undefined || hasError(Object.values(others).flat()))
      return refused(`This change would be refused: ${changed.title}`, undefined, judgement);
    const counter = fleetCounter(plan, options.activeWithinMs);
    for await (const device of fleetOf(devices)) counter.add(device);
    const fleet = counter.result();
    return {
      kind: 'shown',
      base,
      basis: [base, applied?.revision ?? '', ...(plan.head.halts ?? []).map(({ id }) => id)].join(' '),
      title: changed.title,
      notes: changed.notes,
      files,
      plan,
      fleet,
      forecast: forecastPlan(plan, {
        gaps: devices.checkInGaps(),
        pollMs: options.pollMs,
        takersAt: takersIn(fleet),
      }),
      warnings: problemsOf(judgement).filter(({ severity }) => severity === 'warning'),
      approvalsNeeded: judgement.approvalsNeeded,
    };
  }

  /** Returns a sentence if the input is invalid. */
  async function changeOf(ask: Ask, { rollout }: DesiredState): Promise<Change | string> {
    if (ask.kind === 'ramp') return rampChange(ask, rollout);
    if (ask.kind === 'promote') {
      const { kind, buildId, percent, reason } = ask;
      return {
        kind,
        buildId,
        exposure: { percent },
        cohortSeed: await seedFor(buildId, stepsOfPercent(percent)),
        reason,
      };
    }
    if (ask.kind === 'suspend') {
      return {
        kind: 'suspend',
        since: momentAt(ask.sinceMs),
        until: momentAt(ask.untilMs),
        reason: ask.reason,
        nowMs: nowMs(),
      };
    }
    if (ask.kind === 'unsuspend') return { ...ask, nowMs: nowMs() };
    return ask;
  }

  async function rampChange(
    { buildId, steps: text, gate, reason }: Ask & { kind: 'ramp' },
    rollout: Rollout,
  ): Promise<Change | string> {
    const steps = readSteps(text);
    if (typeof steps === 'string') return steps;
    const ramp = { steps, ...(gate && { gate: {} }) };
    if (buildId === rollout.current && !rollout.rollback) return { kind: 'ramp', ramp, reason };
    const cohortSeed = await seedFor(
      buildId,
      steps.map(step => step.percent),
    );
    return { kind: 'promote', buildId, exposure: { ramp }, cohortSeed, reason };
  }

  /** Like the command line: chosen for the active fleet, unless that is too large for a seed to matter. */
  async function seedFor(buildId: string, steps: readonly number[]): Promise<string> {
    const applied = await desired.applied();
    if (applied?.state.rollout.current === buildId) return applied.state.rollout.cohortSeed;
    const active: DeviceId[] = [];
    const sinceMs = nowMs() - options.activeWithinMs;
    for await (const { deviceId, lastSeenMs } of fleetOf(devices)) {
      if ((lastSeenMs ?? 0) >= sinceMs) active.push(deviceId);
      if (active.length >= SEED_FLEET_LIMIT) return seedOf(buildId, 0);
    }
    return chooseSeed(buildId, active, steps).cohortSeed;
  }

  async function propose(
    ask: Ask,
    { basis, by }: { readonly basis: string; readonly by: string },
  ): Promise<Proposed> {
    const shown = await show(ask);
    if (shown.kind === 'refused') return shown;
    if (shown.basis !== basis) return { kind: 'moved', shown };
    const reason = ask.reason === '' ? undefined : ask.reason;
    const done = await carryOut(shown, reason, by);
    if (done === undefined)
      return {
        kind: 'refused',
        message: 'The source is a folder, so a change cannot be proposed',
        hint: undefined,
        problems: [],
      };
    const detail = {
      title: shown.title,
      plan: shown.plan.hash,
      ...(done.kind === 'opened' ? { pull: done.pull } : { branch: done.branch }),
    };
    await options.audit.record({
      atMs: nowMs(),
      actor: by,
      action: 'change.propose',
      subject: ask.kind,
      detail,
    });
    return done;
  }

  async function carryOut(
    shown: ShownChange,
    reason: string | undefined,
    by: string,
  ): Promise<Made | undefined> {
    if (open !== undefined) return { kind: 'opened', ...(await open({ shown, reason, by })) };
    if (source.push === undefined) return undefined;
    const { base, title } = shown;
    const files = new Map(shown.files.map(({ file, after }) => [file, after]));
    const branch = changeBranch(title, base, files);
    const why = reason === undefined ? '' : `${reason}\n\n`;
    await source.push({ base, branch, files, message: `${title}\n\n${why}Asked for by ${by}\n` });
    return { kind: 'pushed', branch };
  }

  const way = open !== undefined ? 'pull_request' : source.push !== undefined ? 'branch' : undefined;
  return { way, show, propose };
}

const momentAt = (atMs: number) => ({ atMs, text: new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z') });

const refused = (message: string, hint: string | undefined, judgement: Judgement): RefusedChange => ({
  kind: 'refused',
  message,
  hint,
  problems: problemsOf(judgement),
});
