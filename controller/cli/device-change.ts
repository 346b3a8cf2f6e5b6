/** `ota device tag|revoke|delete`: one device by its id, or many by a filter or a file. */
import type { Command } from 'commander';
import { deviceArgument, tagsArgument } from './arguments.ts';
import type { Client } from './client.ts';
import { type BulkOptions, bulkOptions, changeDevices } from './device-bulk.ts';
import { devicePath } from './device-path.ts';
import { isFiltered } from './device-select.ts';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';

type AddVerb = (name: string, about: string, samples: string[]) => Command;
type Choose = (work: (client: Client, io: Io) => Promise<ExitCode>) => void;

interface TagOptions extends BulkOptions {
  readonly add?: string[];
  readonly remove?: string[];
  readonly clear?: boolean;
}

const isMany = (options: BulkOptions): boolean => isFiltered(options) || options.file !== undefined;

/** Ends with exit code 2 unless either one device or a selection of many is given. */
function demandOne(id: string | undefined, options: BulkOptions, command: Command): void {
  if ((id !== undefined) === isMany(options))
    command.error(
      'error: give one device id, or select devices with a filter (--tag, --build, …) or --file',
      {
        exitCode: 2,
      },
    );
}

export function changeVerbs(verb: AddVerb, choose: Choose): void {
  tagVerb(verb, choose);

  bulkOptions(
    verb('revoke', 'Revokes the tokens of devices at once. The devices stay listed.', [
      'ota device revoke kiosk-7',
      'ota device revoke --not-seen-for 90d --dry-run',
      'ota device revoke --file stolen.csv --yes',
    ]).argument('[device]', 'device id', deviceArgument),
  )
    .option('--json', 'print JSON (for many devices)')
    .action((id: string | undefined, options: BulkOptions, command: Command) => {
      demandOne(id, options, command);
      choose(async (client, io) => {
        if (id === undefined) return changeDevices(client, { action: 'revoke' }, options, io);
        await client.call({ method: 'POST', path: devicePath(id, '/revoke') });
        io.out(`revoked ${id}\n`);
        return EXIT.fine;
      });
    });

  bulkOptions(
    verb('delete', 'Erases devices and all their rows. Their old tokens never work again.', [
      'ota device delete kiosk-7 --yes',
      'ota device delete --not-seen-for 365d --dry-run',
    ]).argument('[device]', 'device id', deviceArgument),
  )
    .option('--json', 'print JSON (for many devices)')
    .action((id: string | undefined, options: BulkOptions, command: Command) => {
      demandOne(id, options, command);
      if (id !== undefined && options.yes !== true)
        command.error(`error: this erases ${id} and its history permanently; add --yes`, { exitCode: 2 });
      choose(async (client, io) => {
        if (id === undefined) return changeDevices(client, { action: 'delete' }, options, io);
        await client.call({ method: 'DELETE', path: devicePath(id) });
        io.out(`deleted ${id}\n`);
        return EXIT.fine;
      });
    });
}

function tagVerb(verb: AddVerb, choose: Choose): void {
  bulkOptions(
    verb('tag', 'Replaces, adds or removes alias tags, of one device or of many.', [
      'ota device tag kiosk-7 qa,lab        # exactly these',
      'ota device tag kiosk-7 --add canary',
      'ota device tag --file lab.csv --add lab --yes',
      'ota device tag --tag lab --remove lab --dry-run',
    ])
      .argument('[device]', 'device id', deviceArgument)
      .argument('[tags]', 'the new tags, with commas', (text: string) => tagsArgument(text))
      .option('--add <tag>', 'add a tag', tagsArgument)
      .option('--remove <tag>', 'remove a tag', tagsArgument)
      .option('--clear', 'remove all tags of the one device'),
  )
    .option('--json', 'print JSON')
    .action((id: string | undefined, tags: string[] | undefined, options: TagOptions, command: Command) => {
      demandOne(id, options, command);
      const { add, remove, clear } = options;
      const some = add !== undefined || remove !== undefined;
      if ([tags !== undefined, some, clear === true].filter(Boolean).length !== 1)
        command.error('error: give the new tags, or --add/--remove, or --clear', { exitCode: 2 });
      if (id === undefined && !some)
        command.error('error: of many devices tags can only be added or removed', { exitCode: 2 });
      choose((client, io) =>
        id === undefined
          ? changeDevices(
              client,
              { action: 'tag', ...(add && { add }), ...(remove && { remove }) },
              options,
              io,
            )
          : tagOne(client, id, clear === true ? [] : tags, options, io),
      );
    });
}

async function tagOne(
  client: Client,
  id: string,
  given: readonly string[] | undefined,
  options: TagOptions,
  io: Io,
): Promise<ExitCode> {
  let tags = given;
  if (tags === undefined) {
    const { json } = await client.call({ path: devicePath(id) });
    const now = (json as { tags: string[] }).tags;
    tags = [...new Set([...now, ...(options.add ?? [])])].filter(t => !(options.remove ?? []).includes(t));
  }
  const { json } = await client.call({ method: 'PUT', path: devicePath(id, '/tags'), json: { tags } });
  if (options.json === true) outJson(io, json);
  else io.out(`${id}: ${tags.length === 0 ? 'no tags' : tags.join(', ')}\n`);
  return EXIT.fine;
}
