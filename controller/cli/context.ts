/** `ota context …`: names for several controllers. */
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { isName } from '../domain/ids.ts';
import { checkedUrl } from './client.ts';
import { changeContexts, contextsFile, readContexts, unknownContext } from './contexts.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { examples, type Verb } from './program.ts';
import { table } from './table.ts';

function nameArgument(text: string): string {
  if (!isName(text)) throw new InvalidArgumentError('A name is lower-case letters, digits, . _ -');
  return text;
}

export const context: Verb = (program, choose) => {
  const group = program
    .command('context')
    .summary('name several controllers, and choose one')
    .description(
      'A context is a name for a controller and the file with its token. It does not contain the token.\n' +
        'Verbs use the current context if neither OTA_URL nor OTA_ADMIN_TOKEN is set. To use another,\n' +
        'add --context NAME to any verb or set OTA_CONTEXT.',
    )
    .addHelpText('after', examples('ota context list', 'ota status --context staging'));
  const verb = (name: string, about: string, samples: readonly string[]): Command =>
    group
      .command(name)
      .description(about)
      .addHelpText('after', examples(...samples));

  verb('add', 'Adds or replaces a context; the first one becomes the current one.', [
    'ota context add production https://ota.example.com ~/.ota/production-token',
  ])
    .argument('<name>', 'lower-case letters, digits, . _ -', nameArgument)
    .argument('<url>', 'where the controller is')
    .argument('<token-file>', 'the file with an operator’s token; only you may be able to read it')
    .action((name: string, url: string, file: string) => choose(io => add(name, url, file, io)));

  verb('use', 'Makes a context the current one.', ['ota context use staging'])
    .argument('<name>', 'a context', nameArgument)
    .action((name: string) =>
      choose(async io => {
        await changeContexts(io.environment, before => {
          if (!Object.hasOwn(before.contexts, name)) throw unknownContext(name, before);
          return { ...before, current: name };
        });
        io.out(`${name} is the current context\n`);
        return EXIT.fine;
      }),
    );

  verb('list', 'Lists the contexts.', ['ota context list', 'ota context list --json'])
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }) => choose(io => list(options, io)));

  verb('remove', 'Removes a context. The file with its token is kept.', ['ota context remove staging'])
    .argument('<name>', 'a context', nameArgument)
    .action((name: string) =>
      choose(async io => {
        await changeContexts(io.environment, before => {
          const { [name]: removed, ...contexts } = before.contexts;
          if (removed === undefined) throw unknownContext(name, before);
          return { contexts, current: before.current === name ? null : before.current };
        });
        io.out(`removed ${name}\n`);
        return EXIT.fine;
      }),
    );
};

async function add(name: string, given: string, file: string, io: Io): Promise<ExitCode> {
  const url = checkedUrl(given, 'the URL').href.replace(/\/$/, '');
  const token_file = path.resolve(io.cwd, file);
  const { current } = await changeContexts(io.environment, before => ({
    contexts: { ...before.contexts, [name]: { url, token_file } },
    current: before.current ?? name,
  }));
  io.out(`added ${name}${current === name ? ', the current context' : ''}\n`);
  return EXIT.fine;
}

async function list(options: { json?: boolean }, io: Io): Promise<ExitCode> {
  const known = await readContexts(io.environment);
  const rows = Object.entries(known.contexts).map(([name, { url, token_file }]) => ({
    name,
    current: name === known.current,
    url,
    token_file,
  }));
  if (options.json === true) {
    outJson(io, { file: contextsFile(io.environment), contexts: rows });
    return EXIT.fine;
  }
  const { bold, green } = paint(io);
  const lines = rows.map(r => [r.current ? green('*') : '', r.name, r.url, r.token_file]);
  if (rows.length > 0) io.out(table([['', 'name', 'URL', 'token file'].map(h => bold(h)), ...lines]));
  else io.err('no contexts yet; add one: ota context add NAME URL TOKEN-FILE\n');
  return EXIT.fine;
}
