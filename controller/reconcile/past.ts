/** Reconstructs the state at a past moment: the revision from Git, and the rest from stored rows. */
import { Fault } from '../domain/fault.ts';
import type { BuildId, Revision } from '../domain/ids.ts';
import type { JudgeSteps } from '../domain/judging/judge.ts';
import { type PastStanding, worldsOf } from '../domain/past.ts';
import { timeText } from '../domain/plan/words.ts';
import { rampOf } from '../domain/ramp/progress.ts';
import type { DesiredState } from '../domain/release.ts';
import { makeTurns } from '../domain/turns.ts';
import type {
  DesiredStore,
  DeviceRow,
  Past,
  PastSource,
  PastStore,
  Source,
  SourceTree,
} from '../ports/index.ts';

interface PastOptions {
  readonly source: Pick<Source, 'read'>;
  readonly parse: JudgeSteps<SourceTree>['parse'];
  readonly desired: Pick<DesiredStore, 'applied'>;
  readonly past: PastStore;
}

interface InForce {
  readonly revision: Revision;
  readonly appliedAtMs: number;
  /** Undefined if it cannot be read; `why` says the reason. */
  readonly state: DesiredState | undefined;
  readonly why: string;
}

/** Size of the cache of parsed revisions. Somebody who investigates an incident asks for the same ones again. */
const KEPT = 4;

export function makePast({ source, parse, desired, past }: PastOptions): PastSource {
  const parsed = new Map<Revision, DesiredState>();
  // Reading a revision starts processes, so only one is read at a time.
  const inTurn = makeTurns();

  async function stateOf(revision: Revision, atMs: number): Promise<DesiredState | string> {
    const known = parsed.get(revision);
    if (known !== undefined) return known;
    try {
      const { state } = await parse(await source.read(revision), undefined, { nowMs: atMs });
      if (state === undefined) return 'this version does not accept its files';
      if (parsed.size >= KEPT) parsed.delete([...parsed.keys()][0] ?? '');
      parsed.set(revision, state);
      return state;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      return error.message.split('\n')[0] ?? error.code;
    }
  }

  async function inForceAt(atMs: number): Promise<InForce | undefined> {
    const standing = await desired.applied();
    if (standing !== undefined && standing.appliedAtMs <= atMs) return { ...standing, why: '' };
    const row = await past.applied(atMs);
    if (row === undefined) return undefined;
    const state = await inTurn(() => stateOf(row.revision, row.appliedAtMs));
    return typeof state === 'string' ? { ...row, state: undefined, why: state } : { ...row, state, why: '' };
  }

  /** Undefined for times whose rows retention has deleted. The progress of the ramp is then unknown. */
  const stepAt = async (buildId: BuildId, fromMs: number, atMs: number, prunedBeforeMs: number) =>
    atMs < prunedBeforeMs ? undefined : past.step(buildId, fromMs, atMs);

  async function standingAt(found: InForce & { state: DesiredState }, atMs: number, prunedBeforeMs: number) {
    const { current } = found.state.rollout;
    const step = await stepAt(current, found.appliedAtMs, atMs, prunedBeforeMs);
    const halts = await past.halts(current, atMs);
    const standing: PastStanding = { ...found, halts, step: step?.step };
    return { standing, verdict: step?.verdict };
  }

  return {
    at: async (device, atMs) => {
      const bounds = await past.bounds();
      const tags = await past.tags(device.deviceId, atMs);
      const installed = await installedAt(past, device, atMs);
      const found = await inForceAt(atMs);
      const known = { tags, installed, revision: found?.revision, appliedAtMs: found?.appliedAtMs };
      const missing = missingOf(device, known, bounds, atMs);
      if (found?.state === undefined) {
        const why =
          found === undefined
            ? 'which revision was in force: no row tells of one that was applied by then'
            : `what revision ${found.revision.slice(0, 12)} said: ${found.why}`;
        return { ...known, verdict: undefined, worlds: [], notKnown: [why, ...missing] };
      }
      const { standing, verdict } = await standingAt(
        { ...found, state: found.state },
        atMs,
        bounds.prunedBeforeMs,
      );
      const worlds = worldsOf(standing, {
        deviceId: device.deviceId,
        tags,
        versionCode: installed?.versionCode,
        sdk: device.sdk,
        signer: device.signer,
      });
      const lost = rampOf(found.state.rollout) !== undefined && standing.step === undefined;
      const notKnown = [...(lost ? [stepUnknown(bounds.prunedBeforeMs, atMs)] : []), ...missing];
      return { ...known, verdict, worlds, notKnown };
    },
  };
}

/** Prefers the last check-in, which is newer than any report before it. Earlier check-ins are not stored. */
async function installedAt(
  past: PastStore,
  { deviceId, lastSeenMs, versionCode }: DeviceRow,
  atMs: number,
): Promise<Past['installed']> {
  if (lastSeenMs !== undefined && versionCode !== undefined && lastSeenMs <= atMs)
    return { versionCode, atMs: lastSeenMs };
  return past.reported(deviceId, atMs);
}

const stepUnknown = (prunedBeforeMs: number, atMs: number): string =>
  atMs < prunedBeforeMs
    ? `how far the ramp had come: verdicts from before ${timeText(prunedBeforeMs)} were removed by retention`
    : 'how far the ramp had come: no row tells of a step by then';

function missingOf(
  device: DeviceRow,
  { tags, installed }: Pick<Past, 'tags' | 'installed'>,
  { tagsSinceMs, prunedBeforeMs }: { tagsSinceMs: number; prunedBeforeMs: number },
  atMs: number,
): string[] {
  const sinceMs = Math.max(tagsSinceMs, prunedBeforeMs);
  return [
    ...(tags === undefined ? [`which tags the device had: changes are kept since ${timeText(sinceMs)}`] : []),
    ...(installed === undefined
      ? [
          'which version the device ran: of check-ins only the last one is kept, and no report of it from before is',
        ]
      : []),
    ...(device.lastSeenMs !== undefined && device.lastSeenMs > atMs
      ? ['its Android version and signer then: those of its last check-in are taken']
      : []),
    'whether the APKs were stored then: they are taken as stored',
  ];
}
