/** Writes controller/cli/outline.ts, what `ota --help` says of each verb. Run: node --import tsx scripts/cli-outline.ts */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import type { Outlined } from '../controller/cli/outline.ts';
import { allVerbs } from '../controller/cli/verbs.ts';

const file = new URL('../controller/cli/outline.ts', import.meta.url);
const never = (): never => {
  throw new Error('assertion: no verb is run to make the outline');
};

/** Taken from the verbs themselves. */
export async function outline(): Promise<Outlined[]> {
  const program = new Command('ota');
  const backups = { copyDatabase: never, full: never, check: never, restore: never };
  const moves = { copy: never, cancel: never };
  const apkCopies = { copy: never };
  for (const add of await allVerbs({
    proposals: undefined,
    backups,
    moves,
    apkCopies,
    adoptions: { adopt: never },
  }))
    add(program, () => undefined);
  return program.commands.map(command => ({
    name: command.name(),
    summary: command.summary() === '' ? command.description() : command.summary(),
    args: command.registeredArguments
      .map(a => `${a.required ? '<' : '['}${a.name()}${a.variadic ? '...' : ''}${a.required ? '>' : ']'}`)
      .join(' '),
  }));
}

const quoted = (text: string): string =>
  text.includes("'") ? JSON.stringify(text) : `'${text.replaceAll('\\', '\\\\')}'`;

export async function outlineText(): Promise<string> {
  const rows = (await outline()).map(
    ({ name, summary, args }) =>
      `  { name: ${quoted(name)}, args: ${quoted(args)}, summary: ${quoted(summary)} },\n`,
  );
  return `/** Generated: do not edit, run \`node --import tsx scripts/cli-outline.ts\`. */
/** A verb in the help of \`ota\`. */
export interface Outlined {
  readonly name: string;
  readonly summary: string;
  /** In the form of the usage line: \`<build> [file]\`. */
  readonly args: string;
}

// biome-ignore format: one line a verb
export const OUTLINE: readonly Outlined[] = [
${rows.join('')}];
`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(file, await outlineText());
