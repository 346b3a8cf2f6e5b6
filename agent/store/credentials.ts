/** Token and nudge key, from enrolment or from the last renewal (SPEC §5). */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { HOUR_MS } from '../../controller/domain/duration.ts';
import { Fault } from '../../controller/domain/fault.ts';
import type { Credentials } from '../ports.ts';
import { isMissing, systemFault, writeDurably } from './durable.ts';

interface Given {
  readonly token: string;
  /** 32 bytes. */
  readonly nudgeKey: Uint8Array | undefined;
}

interface Held extends Given {
  readonly previousNudgeKey: Uint8Array | undefined;
  readonly renewedMs: number;
}

/** How long a nudge may still be signed with the previous key. */
const PREVIOUS_KEY_MS = 24 * HOUR_MS;

const keysOf = (held: Held, nowMs: number): readonly Uint8Array[] =>
  [
    held.nudgeKey,
    Math.abs(nowMs - held.renewedMs) <= PREVIOUS_KEY_MS ? held.previousNudgeKey : undefined,
  ].filter(key => key !== undefined);

/** In memory, for fleets whose devices end with their process. */
export class MemoryCredentials implements Credentials {
  #held: Held;

  constructor(given: Given) {
    this.#held = { ...given, previousNudgeKey: undefined, renewedMs: 0 };
  }

  token(): string {
    return this.#held.token;
  }

  nudgeKeys(nowMs: number): readonly Uint8Array[] {
    return keysOf(this.#held, nowMs);
  }

  async renew(token: string, nudgeKey: Uint8Array, nowMs: number): Promise<void> {
    this.#held = { token, nudgeKey, previousNudgeKey: this.#held.nudgeKey, renewedMs: nowMs };
  }
}

/** The file's JSON; keys in base64. `replaces` is the SHA-256 of the given token that the renewed one replaces. */
interface Kept {
  readonly replaces: string;
  readonly token: string;
  readonly nudge_key: string;
  readonly previous_nudge_key: string | null;
  readonly renewed_ms: number;
}

const isKept = (value: unknown): value is Kept => {
  const kept = value as Partial<Record<keyof Kept, unknown>> | null;
  return (
    typeof kept === 'object' &&
    kept !== null &&
    typeof kept.replaces === 'string' &&
    typeof kept.token === 'string' &&
    typeof kept.nudge_key === 'string' &&
    (kept.previous_nudge_key === null || typeof kept.previous_nudge_key === 'string') &&
    typeof kept.renewed_ms === 'number'
  );
};

/** In the agent's state folder, written atomically and readable only by its owner. */
export class CredentialFile implements Credentials {
  readonly #file: string;
  /** SHA-256 of the given token; a different one means that an operator has enrolled the device again. */
  readonly #given: string;
  #held: Held;

  private constructor(file: string, given: string, held: Held) {
    this.#file = file;
    this.#given = given;
    this.#held = held;
  }

  /** Fault `credentials_broken` if the file exists but cannot be read. */
  static async open(directory: string, given: Given): Promise<CredentialFile> {
    const file = path.join(directory, 'credentials.json');
    const sum = hash('sha256', given.token);
    const kept = await readKept(file);
    const held: Held =
      kept?.replaces === sum
        ? {
            token: kept.token,
            nudgeKey: Buffer.from(kept.nudge_key, 'base64'),
            previousNudgeKey:
              kept.previous_nudge_key === null ? undefined : Buffer.from(kept.previous_nudge_key, 'base64'),
            renewedMs: kept.renewed_ms,
          }
        : { ...given, previousNudgeKey: undefined, renewedMs: 0 };
    return new CredentialFile(file, sum, held);
  }

  token(): string {
    return this.#held.token;
  }

  nudgeKeys(nowMs: number): readonly Uint8Array[] {
    return keysOf(this.#held, nowMs);
  }

  async renew(token: string, nudgeKey: Uint8Array, nowMs: number): Promise<void> {
    const previousNudgeKey = this.#held.nudgeKey;
    const kept: Kept = {
      replaces: this.#given,
      token,
      nudge_key: Buffer.from(nudgeKey).toString('base64'),
      previous_nudge_key:
        previousNudgeKey === undefined ? null : Buffer.from(previousNudgeKey).toString('base64'),
      renewed_ms: nowMs,
    };
    try {
      await writeDurably(this.#file, `${JSON.stringify(kept)}\n`);
    } catch (error) {
      throw systemFault(error, 'credentials_not_saved');
    }
    this.#held = { token, nudgeKey, previousNudgeKey, renewedMs: nowMs };
  }
}

async function readKept(file: string): Promise<Kept | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw systemFault(error, 'credentials_unreadable');
  }
  const broken = (cause?: unknown) =>
    new Fault('credentials_broken', `${file} cannot be read: delete it, and give the device a new token`, {
      retry: 'never',
      cause,
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw broken(cause);
  }
  if (!isKept(value)) throw broken();
  return value;
}
