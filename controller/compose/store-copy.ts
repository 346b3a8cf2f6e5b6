/** `ota store copy`: turns the places on the command line into a data folder or the database of the environment. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Fault } from '../domain/fault.ts';
import { readSettings } from '../settings/read.ts';
import { type Copied, type CopyStep, cancelCopy, copyStore } from '../store/copy/copy.ts';
import type { Place } from '../store/copy/place.ts';

/** One reads and one writes; more would only wait. */
const CONNECTIONS = 2;

type Environment = Readonly<Record<string, string | undefined>>;

export interface Moves {
  copy(
    from: string,
    to: string,
    cutOver: boolean,
    onStep: (step: CopyStep) => void,
  ): Promise<Copied & { readonly from: string; readonly to: string }>;
  cancel(from: string): Promise<string>;
}

/** `cwd`: the base of relative data folders. */
export const movesOf = (environment: Environment, cwd: string, nowMs: () => number): Moves => ({
  copy: async (from, to, cutOver, onStep) => {
    const [source, dest] = [placeOf(from, environment, cwd), placeOf(to, environment, cwd)];
    const newTicket = (): string => randomBytes(16).toString('hex');
    const copied = await copyStore({ from: source, to: dest, cutOver, nowMs, newTicket, onStep });
    return { ...copied, from: source.name, to: dest.name };
  },
  cancel: async from => {
    const source = placeOf(from, environment, cwd);
    await cancelCopy(source);
    return source.name;
  },
});

/** Faults `secret_in_arguments`, `settings_invalid`. */
function placeOf(given: string, environment: Environment, cwd: string): Place {
  if (/^postgres(ql)?:/i.test(given))
    throw new Fault(
      'secret_in_arguments',
      'a database URL is not an argument: other users of this machine can read arguments. Write postgres, and name the URL in OTA_DATABASE_FILE',
      { retry: 'never' },
    );
  if (given !== 'postgres') {
    const folder = path.resolve(cwd, given);
    return { kind: 'folder', name: folder, folder };
  }
  const { OTA_DATABASE, OTA_DATABASE_FILE } = environment;
  const url = readSettings({ OTA_DATABASE, OTA_DATABASE_FILE }).OTA_DATABASE?.reveal();
  if (url === undefined)
    throw new Fault(
      'settings_invalid',
      'OTA_DATABASE: not set: write the URL of the database into a file and name it in OTA_DATABASE_FILE',
      { retry: 'never' },
    );
  return { kind: 'postgres', name: withoutSecrets(url), database: { url, connections: CONNECTIONS } };
}

function withoutSecrets(url: string): string {
  const { hostname, port, pathname, searchParams } = new URL(url);
  const host = searchParams.get('host') ?? hostname;
  return `postgres://${host}${port === '' ? '' : `:${port}`}${pathname}`;
}
