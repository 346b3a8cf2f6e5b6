/** `ota complete -- WORD…`: prints completions of the last word, one per line. Shells call it. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Command, type Option } from 'commander';
import { Fault } from '../domain/fault.ts';
import { controllerClient } from './client.ts';
import { readContexts } from './contexts.ts';
import { EXIT, type Io } from './io.ts';
import type { Verb } from './program.ts';

/** The shell waits for this at every key press. A later answer is dropped. */
const PATIENCE_MS = 1_500;
const MOST = 50;
const TAGGED = 1_000;

/** `verbs` are loaded only when a shell asks. */
export const complete =
  (verbs: () => Promise<readonly Verb[]>): Verb =>
  (program, choose) => {
    program
      .command('complete', { hidden: true })
      .summary('answer a shell')
      .description('Prints completions of the last word. Used by the scripts of ota completion.')
      .argument('[words...]')
      .action((words: string[]) =>
        choose(async io => {
          const tree = new Command('ota');
          for (const add of await verbs()) add(tree, () => undefined);
          const written = words.at(-1) ?? '';
          const found = await candidates(tree, words.slice(0, -1), written, io);
          const fitting = [...new Set(found)].filter(word => word.startsWith(written)).slice(0, MOST);
          io.out(fitting.map(word => `${word}\n`).join(''));
          return EXIT.fine;
        }),
      );
  };

async function candidates(
  tree: Command,
  before: readonly string[],
  written: string,
  io: Io,
): Promise<readonly string[]> {
  let command = tree;
  let waiting: Option | undefined;
  let filled = 0;
  if (before.at(-1) === '--context') return named('context', written, io);
  for (const word of before) {
    const sub = command.commands.find(c => c.name() === word || c.aliases().includes(word));
    const option = command.options.find(o => o.long === word || o.short === word);
    if (waiting !== undefined) waiting = undefined;
    else if (option !== undefined) waiting = option.required || option.optional ? option : undefined;
    else if (sub !== undefined) {
      command = sub;
      filled = 0;
    } else if (!word.startsWith('-')) filled += 1;
  }
  if (waiting !== undefined)
    return waiting.argChoices ?? named(/[<[]([a-z-]+)/.exec(waiting.flags)?.[1] ?? '', written, io);
  if (written.startsWith('-')) return [...command.options.map(o => o.long ?? ''), '--help', '--context'];
  if (command.commands.length > 0) return visibleNames(command);
  const argument = command.registeredArguments[filled] ?? command.registeredArguments.at(-1);
  if (argument === undefined) return [];
  const isContext = command.parent?.name() === 'context';
  return argument.argChoices ?? named(isContext ? 'context' : argument.name(), written, io);
}

const visibleNames = (command: Command): string[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map(c => c.name());

/** Completes an argument by its name in the help. Completes nothing if the source cannot be asked. */
async function named(what: string, written: string, io: Io): Promise<readonly string[]> {
  try {
    if (what === 'build' || what === 'artifact') return await builds(io);
    if (what === 'device') return await devices(written, io);
    if (what === 'tag' || what === 'tags') return await tags(io);
    if (what === 'context') return Object.keys((await readContexts(io.environment)).contexts);
    return [];
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
}

const ask = async <T>(path: string, query: Readonly<Record<string, string | number>>, io: Io): Promise<T> => {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return (await controllerClient(io).call({ path, query, signal, timeoutMs: PATIENCE_MS })).json as T;
};

interface Devices {
  readonly devices: readonly { readonly device_id: string; readonly tags: readonly string[] }[];
}

/** The build ids by their file names; none without a releases folder. */
async function buildsHere(folder: string): Promise<string[]> {
  const names = await readdir(path.join(folder, 'releases/builds')).catch(() => []);
  return names.filter(name => name.endsWith('.yaml')).map(name => name.slice(0, -'.yaml'.length));
}

/** The builds in the files here, or else those that the controller knows. */
async function builds(io: Io): Promise<readonly string[]> {
  const here = await buildsHere(io.cwd);
  if (here.length > 0) return here;
  const { builds } = await ask<{ builds: readonly { build_id: string }[] }>('/v1/builds', {}, io);
  return builds.map(b => b.build_id);
}

/** The controller lists ids in order, so the ids with this prefix come right after it. */
async function devices(written: string, io: Io): Promise<readonly string[]> {
  const after = written === '' ? {} : { after: written };
  const page = await ask<Devices>('/v1/devices', { limit: MOST, ...after }, io);
  return page.devices.map(d => d.device_id);
}

async function tags(io: Io): Promise<readonly string[]> {
  const { devices } = await ask<Devices>('/v1/devices', { limit: TAGGED }, io);
  return [...new Set(devices.flatMap(d => d.tags))].sort();
}
