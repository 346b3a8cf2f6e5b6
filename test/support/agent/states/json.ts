/**
 * The state table as JSON: keys in snake case, what equals a default left out, `null` for "none". So a row shows what
 * matters, and an agent in another language can read it.
 */
import type { Step } from '../../../../agent/effect.ts';
import type { Fact } from '../../../../agent/fact.ts';
import type { Offer } from '../../../../agent/offer.ts';
import { type AgentState, type Attempt, newState } from '../../../../agent/state.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Fields = { readonly [key: string]: unknown };

/** The moment of every fact: 2026-12-01T00:00:00Z. */
export const NOW_MS = 1_796_083_200_000;
export const REQUEST_ID = 'attempt-1';
export const FRESH_UUID = 'fresh-uuid';

export const OFFER: Offer = {
  buildId: 'b42',
  versionCode: 42,
  versionName: '42.0.0',
  url: 'https://ota.example.com/v1/agent/builds/b42/apk',
  sha256: '42'.repeat(32),
  signerFingerprint: 'aa'.repeat(32),
  signerLineage: [],
  sizeBytes: 1000,
  wifiOnly: true,
  mustInstall: false,
  deadlineMs: undefined,
  stagedRolloutPercent: 100,
  cohortSeed: '',
  eligibleBy: 'rollout',
  forceDowngrade: false,
  minBatteryPercent: 30,
  pollIntervalMs: 21_600_000,
  revision: 'r1',
};

export const ATTEMPT: Attempt = {
  requestId: REQUEST_ID,
  offer: OFFER,
  trigger: 'poll',
  fromVersionCode: 41,
  checkedAtMs: NOW_MS - 1000,
  downloadTries: 0,
  installTries: 0,
  toldReasons: [],
  timingsMs: {},
};

export const STATE: AgentState = { ...newState('kiosk-7'), epoch: 1 };
const CONDITIONS = { unmeteredWifi: true, batteryPercent: 80, charging: false, inCall: false };
const INSTALLED = {
  package: 'com.nexmdm.agent',
  versionCode: 41,
  sdk: 33,
  buildId: undefined,
  signer: 'aa'.repeat(32),
};
const ASK = { requestId: REQUEST_ID, trigger: 'poll', nudgedBuildId: undefined };
const REPORT = {
  requestId: REQUEST_ID,
  buildId: 'b42',
  outcome: 'ok',
  reason: 'installed',
  detail: undefined,
  versionCode: 42,
  timingsMs: {},
};

/** What a field holds where a row leaves it out, by the field's name. */
const DEFAULTS: Readonly<Record<string, Fields>> = {
  state: STATE as unknown as Fields,
  attempt: ATTEMPT as unknown as Fields,
  offer: OFFER as unknown as Fields,
  conditions: CONDITIONS,
  installed: INSTALLED,
  ask: ASK,
  pending: ASK,
  report: REPORT,
};

const snake = (name: string): string => name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
const camel = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The state's own `installed` is a build and its version, not a reading of the device. */
const defaultsOf = (name: string, value: Fields): Fields | undefined =>
  name === 'installed' && !('package' in value || 'sdk' in value || !('buildId' in value))
    ? undefined
    : DEFAULTS[name];

export function encode(value: unknown, name = ''): Json {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(item => encode(item, name === 'unsent' ? 'report' : ''));
  if (!isFields(value)) return value as Json;
  const defaults = defaultsOf(name, value) ?? {};
  // A field that is missing where the default has a value is none, and is told.
  const keys = [...new Set([...Object.keys(value), ...Object.keys(defaults)])];
  const entries = keys.flatMap((key): [string, Json][] =>
    same(value[key], defaults[key]) || (value[key] === undefined && !(key in defaults))
      ? []
      : [[snake(key), encode(value[key], key)]],
  );
  return Object.fromEntries(entries);
}

export function decode(value: Json, name = ''): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(item => decode(item, name === 'unsent' ? 'report' : ''));
  if (typeof value !== 'object') return value;
  const given = Object.fromEntries(
    Object.entries(value).map(([key, field]) => [camel(key), decode(field, camel(key))]),
  );
  const own = name === 'installed' && 'buildId' in given && !('sdk' in given);
  return own ? given : { ...(DEFAULTS[name] ?? {}), ...given };
}

export const stateFrom = (json: Json): AgentState => decode(json, 'state') as AgentState;

/** Facts that an effect or a phase's timer brings, and that count for their own epoch alone. */
const EPOCHAL: readonly string[] = ['checked', 'downloaded', 'verified', 'installed', 'retry_due', 'broke'];

/** Of the state's own epoch, unless the row gives another. */
export function factFrom(json: Json, epoch: number, random: number): Fact {
  const fact = decode(json) as { readonly type: string };
  const own = EPOCHAL.includes(fact.type) ? { epoch } : {};
  return { ...own, ...fact, at: { atMs: NOW_MS, random, uuid: FRESH_UUID } } as unknown as Fact;
}

/** The table's defaults, for whoever reads it. */
export const defaultsJson = (): Json =>
  Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, fields]) => [
      name,
      Object.fromEntries(
        Object.entries(fields).map(([key, field]) => [
          snake(key),
          field === undefined ? null : encode(field, key === 'offer' ? '' : ''),
        ]),
      ),
    ]),
  );

/** Effects that bring a fact back, which counts only while their phase lasts. */
const WORK: readonly string[] = ['check', 'download', 'verify', 'install'];

type Ranged = { readonly least: Step; readonly most: Step };

/** What a step changed and asks for. Durations and times that are drawn are told as [least, most]. */
export function outcomeOf(before: AgentState, { least, most }: Ranged): Json {
  const changed = Object.fromEntries(
    Object.entries(least.state).flatMap(([key, value]): [string, Json][] => {
      if (key === 'epoch' || same(value, before[key as keyof AgentState])) return [];
      return [[snake(key), encode(value, key)]];
    }),
  );
  const effects = least.effects.map((effect, n): Json => {
    const { epoch, ...rest } = effect as Fields;
    // The timers for polls, reports and renewals outlive a phase; what belongs to a phase is of its epoch.
    const ofPhase = rest.type === 'timer' ? rest.name === 'retry' : WORK.includes(String(rest.type));
    if (ofPhase && epoch !== least.state.epoch) throw new Error(`${String(rest.type)} of another epoch`);
    return spread(encode(rest), encode(withoutEpoch(most.effects[n])));
  });
  return {
    ...(least.state.epoch === before.epoch ? {} : { new_epoch: least.state.epoch > before.epoch }),
    ...(Object.keys(changed).length === 0 ? {} : { state: changed }),
    effects,
  };
}

const withoutEpoch = (effect: unknown): Fields => {
  const { epoch: _, ...rest } = effect as Fields;
  return rest;
};

/** Two runs with the lowest and the highest draw, in one. */
function spread(least: Json, most: Json): Json {
  if (isFields(least) && isFields(most))
    return Object.fromEntries(
      Object.keys(least).map(key => [key, spread(least[key] as Json, most[key] as Json)]),
    );
  return typeof least === 'number' && typeof most === 'number' && least !== most ? [least, most] : least;
}
