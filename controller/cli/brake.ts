/** `ota brake` stops the offered build at once, without Git; `ota resume` lets it continue. */
import type { Command } from 'commander';
import { reasonArgument } from './arguments.ts';
import { controllerClient } from './client.ts';
import { EXIT, outJson } from './io.ts';
import { visible } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';

interface WireHalt {
  readonly build_id: string;
  readonly kind: string;
  readonly by: string;
  readonly reason: string;
}

const lineOf = ({ build_id, kind, by, reason }: WireHalt): string =>
  `${build_id}: ${{ gate: 'halted by its gate', lost: 'stopped until its earlier halts are known' }[kind] ?? `braked by ${visible(by)}`} (${visible(reason)})`;

export const brake: Verb = (program, choose) => {
  program
    .command('brake')
    .summary('stop offering the current build at once, without Git')
    .description(
      'Stops offering the current build to all devices, canaries included, and aborts running downloads of it (what\n' +
        'an object store sends may end, and is not installed). Devices that have it keep it. The brake stays until ota resume, until a merge stops the build too, or until another build\n' +
        'is current. Needs scope brake.',
    )
    .requiredOption('--reason <text>', 'why, for the audit log', reasonArgument)
    .option('--json', 'print JSON')
    .addHelpText('after', examples('ota brake --reason "reboots in the lobby"'))
    .action(({ reason, json: asJson }: { reason: string; json?: boolean }) =>
      choose(async io => {
        const { json } = await controllerClient(io).call({
          method: 'POST',
          path: '/v1/brake',
          json: { reason },
        });
        const answer = json as { pressed: boolean; halt: WireHalt };
        if (asJson === true) outJson(io, answer);
        else
          io.out(
            `${answer.pressed ? 'stopped' : 'was already stopped'}: ${lineOf(answer.halt)}\n` +
              'next: stop it in Git too (ota rollback, or ota rollout 0), or continue with: ota resume --reason "…"\n',
          );
        return EXIT.fine;
      }),
    );
};

const devicesArgument = (text: string, before: readonly string[] = []): string[] => [...before, text];

export const resume: Verb = (program, choose) => {
  const command: Command = program
    .command('resume')
    .summary('lift what stops the current build, or answer a gate that asks for a person')
    .description(
      'Lifts a hand brake (scope brake) or the halt of a gate (scope admin). The evidence against the build is kept: only\n' +
        'new evidence can halt it again.',
    )
    .requiredOption('--reason <text>', 'why, for the audit log', reasonArgument)
    .option('--without <device>', 'ignore the failures of this device; may be repeated', devicesArgument)
    .option('--json', 'print JSON');
  command
    .addHelpText(
      'after',
      examples(
        'ota resume --reason "the lobby had no power"',
        'ota resume --reason "a broken tablet" --without kiosk-7',
      ),
    )
    .action(({ reason, without, json: asJson }: { reason: string; without?: string[]; json?: boolean }) =>
      choose(async io => {
        const { json } = await controllerClient(io).call({
          method: 'POST',
          path: '/v1/resume',
          json: { reason, ...(without === undefined ? {} : { without }) },
        });
        const answer = json as { lifted: WireHalt[] };
        if (asJson === true) outJson(io, answer);
        else
          io.out(
            answer.lifted.length === 0
              ? 'the step goes on\n'
              : answer.lifted.map(halt => `lifted: ${lineOf(halt)}\n`).join(''),
          );
        return EXIT.fine;
      }),
    );
};
