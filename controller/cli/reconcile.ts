/** `ota reconcile`: makes the controller read its source now. */
import { InvalidArgumentError } from 'commander';
import { controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { textOf } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { isRejected, type StatusOnWire, shortRevision } from './rollout-wire.ts';

const RECONCILE_TIMEOUT_MS = 120_000;

interface ReconcileOptions {
  readonly wait: boolean;
  readonly acceptRewrite?: string;
  readonly json?: boolean;
}

export const reconcile: Verb = (program, choose) => {
  program
    .command('reconcile')
    .summary('make the controller read its source now')
    .description(
      'Makes the controller read its source and waits for the result. Exit code 1 if the newest revision was refused.',
    )
    .option('--no-wait', 'do not wait for the result')
    .option(
      '--accept-rewrite <revision>',
      'accept this head commit although the history was rewritten',
      revisionArgument,
    )
    .option('--json', 'print JSON')
    .addHelpText('after', examples('ota reconcile', 'ota reconcile --accept-rewrite 3f0c…'))
    .action((options: ReconcileOptions) => choose(io => runReconcile(options, io)));
};

function revisionArgument(text: string): string {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text))
    throw new InvalidArgumentError('Expected the full hash of a commit.');
  return text;
}

async function runReconcile(options: ReconcileOptions, io: Io): Promise<ExitCode> {
  const { json } = await controllerClient(io).call({
    method: 'POST',
    path: '/v1/reconcile',
    json: {
      wait: options.wait,
      ...(options.acceptRewrite === undefined ? {} : { accept_rewrite: options.acceptRewrite }),
    },
    timeoutMs: RECONCILE_TIMEOUT_MS,
  });
  const status = json as StatusOnWire;
  if (options.json === true) outJson(io, status);
  if (!options.wait) {
    if (options.json !== true) io.out('woken\n');
    return EXIT.fine;
  }
  const colours = paint(io);
  if (options.json !== true)
    for (const p of status.problems) io.out(textOf({ ...p, hint: p.hint ?? undefined }, colours));
  if (status.source_fault !== null) {
    io.err(`${colours.red('error')}: the source cannot be read [${status.source_fault}]\n`);
    return EXIT.error;
  }
  if (isRejected(status)) {
    io.err(
      `${colours.red('refused')}: revision ${shortRevision(status.attempted_revision)}; ${shortRevision(status.applied_revision)} is still in force\n`,
    );
    return EXIT.invalid;
  }
  if (options.json !== true) io.out(`applied ${shortRevision(status.applied_revision)}\n`);
  return EXIT.fine;
}
