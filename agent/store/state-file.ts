/** The agent's state on disk, written atomically. A broken file is detected, and the previous one is used. */
import { hash } from 'node:crypto';
import { link, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../../controller/domain/fault.ts';
import type { DeviceId } from '../../controller/domain/ids.ts';
import type { LoadedState, StateStore } from '../ports.ts';
import type { AgentState } from '../state.ts';
import { isMissing, systemFault, writeDurably } from './durable.ts';

const MAX_STATE_BYTES = 1024 * 1024;

/** Two lines: the SHA-256 of the second, and the state as JSON. */
const encodeState = (state: AgentState): string => {
  const body = JSON.stringify(state);
  return `${hash('sha256', body)}\n${body}\n`;
};

/** Undefined unless the text is exactly what {@link encodeState} wrote. */
function decodeState(text: string): AgentState | undefined {
  const [sum, body, rest] = text.split('\n');
  if (sum === undefined || body === undefined || rest !== '' || hash('sha256', body) !== sum)
    return undefined;
  const state = JSON.parse(body) as AgentState;
  return state.schema === 1 ? state : undefined;
}

export class StateFile implements StateStore {
  readonly #file: string;
  readonly #deviceId: DeviceId;

  constructor(directory: string, deviceId: DeviceId) {
    this.#file = path.join(directory, 'agent.state');
    this.#deviceId = deviceId;
  }

  async load(): Promise<LoadedState> {
    const current = await readState(this.#file);
    if (current.kind === 'state')
      return { kind: 'state', state: this.#ours(current.state), recovered: false };
    if (current.kind === 'broken') await rename(this.#file, `${this.#file}.broken`);
    const previous = await readState(`${this.#file}.previous`);
    if (previous.kind === 'state')
      return { kind: 'state', state: this.#ours(previous.state), recovered: true };
    return { kind: current.kind === 'none' && previous.kind === 'none' ? 'none' : 'lost' };
  }

  #ours(state: AgentState): AgentState {
    if (state.deviceId === this.#deviceId) return state;
    throw new Fault(
      'state_of_other_device',
      `the state folder belongs to device ${state.deviceId}, not ${this.#deviceId}`,
      { retry: 'never' },
    );
  }

  async save(state: AgentState): Promise<void> {
    try {
      await writeDurably(this.#file, encodeState(state), () => this.#keepPrevious());
    } catch (error) {
      throw systemFault(error, 'state_not_saved');
    }
  }

  /** Links the present file as `.previous`, so that the file itself is never missing. */
  async #keepPrevious(): Promise<void> {
    const previous = `${this.#file}.previous`;
    await rm(previous, { force: true });
    await link(this.#file, previous).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
}

async function readState(
  file: string,
): Promise<{ kind: 'none' } | { kind: 'broken' } | { kind: 'state'; state: AgentState }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if (isMissing(error)) return { kind: 'none' };
    throw systemFault(error, 'state_unreadable');
  }
  const state = bytes.length > MAX_STATE_BYTES ? undefined : decodeState(bytes.toString('utf8'));
  return state === undefined ? { kind: 'broken' } : { kind: 'state', state };
}
