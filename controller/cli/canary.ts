/** `ota canary add|remove`: devices that are offered current at any percentage. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { isName } from '../domain/ids.ts';
import type { Proposals } from '../ports/index.ts';
import { deviceArgument, reasonArgument, tagsArgument } from './arguments.ts';
import { type EditOptions, editOptions, runEdit } from './edit.ts';
import { examples, type Verb } from './program.ts';
import { usage } from './usage.ts';

interface Options extends EditOptions {
  readonly tag?: readonly string[];
  readonly device?: readonly string[];
  readonly cohort?: readonly string[];
  readonly reason?: string;
}

export const canary =
  (proposals: Proposals | undefined): Verb =>
  (program, choose) => {
    const group = program
      .command('canary')
      .summary('add or remove devices that get current first')
      .description('Edits canary in rollout.yaml: the devices that are offered current at any percentage.')
      .addHelpText(
        'after',
        examples('ota canary add --tag qa --device kiosk-7', 'ota canary remove --cohort lab --open-pr'),
      );
    for (const action of ['add', 'remove'] as const) {
      const command = group
        .command(action)
        .description(
          action === 'add'
            ? 'Makes devices canaries: by alias tag, by id, or by a file under cohorts/.'
            : 'Removes devices from the canaries. Devices that have the build keep it.',
        );
      editOptions(nameOptions(command))
        .addHelpText(
          'after',
          examples(
            `ota canary ${action} --tag qa,lab`,
            `ota canary ${action} --device kiosk-7 --reason "reboots at night"`,
          ),
        )
        .action((options: Options) =>
          choose(io => {
            const { tag: tags = [], device: devices = [], cohort: cohorts = [], reason } = options;
            if (tags.length + devices.length + cohorts.length === 0)
              throw usage('name the devices with --tag, --device or --cohort');
            return runEdit(
              io,
              options,
              [],
              () => ({ change: { kind: 'canary', action, names: { tags, devices, cohorts }, reason } }),
              proposals,
            );
          }),
        );
    }
  };

const nameOptions = (command: Command): Command =>
  command
    .option('--tag <tags>', 'every device with one of these alias tags; commas or repeated', tagsArgument)
    .option('--device <ids>', 'single devices; commas or repeated', devicesArgument)
    .option('--cohort <names>', 'files under cohorts/; commas or repeated', cohortsArgument)
    .option('--reason <text>', 'why, for the pull request', reasonArgument);

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');

const devicesArgument = (text: string, before: readonly string[] = []): string[] => [
  ...new Set([...before, ...listOf(text).map(deviceArgument)]),
];

function cohortsArgument(text: string, before: readonly string[] = []): string[] {
  const names = listOf(text);
  if (!names.every(isName))
    throw new InvalidArgumentError('A cohort is named by its file: lower-case letters, digits, . _ -');
  return [...new Set([...before, ...names])];
}
