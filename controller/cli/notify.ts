/** `ota notify test`: checks whether notifications arrive. */
import { controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { visible } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';

/** The controller waits about ten seconds for each destination, for all at the same time. */
const TIMEOUT_MS = 30_000;

interface Tested {
  readonly results: readonly {
    readonly destination: string;
    readonly service: string;
    readonly result: 'sent' | 'failed' | 'waiting';
    readonly code: string | null;
  }[];
}

export const notify: Verb = (program, choose) => {
  program
    .command('notify')
    .summary('test the destinations of notifications')
    .addHelpText('after', examples('ota notify test'))
    .command('test')
    .summary('send a test message to one destination or to all')
    .description(
      'The destinations are those of OTA_NOTIFY at the controller. Their names are shown, but never their URLs.\n' +
        'Exit code 1 if the message did not arrive everywhere. Needs scope admin, and is recorded in the audit log.',
    )
    .argument('[destination]', 'the name of one destination (default: all)')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('ota notify test', 'ota notify test ops-slack'))
    .action((destination: string | undefined, { json }: { json?: boolean }) =>
      choose(io => runTest(destination, json === true, io)),
    );
};

async function runTest(destination: string | undefined, asJson: boolean, io: Io): Promise<ExitCode> {
  const { json } = await controllerClient(io).call({
    method: 'POST',
    path: '/v1/notify/test',
    json: destination === undefined ? {} : { destination },
    timeoutMs: TIMEOUT_MS,
  });
  const answer = json as Tested;
  if (asJson) outJson(io, answer);
  else {
    const colours = paint(io);
    for (const { destination: name, service, result, code } of answer.results) {
      const shown = result === 'sent' ? colours.green('sent') : colours.red(result);
      const why = result === 'waiting' ? ' (behind messages that are still being tried)' : '';
      io.out(`${visible(name)} (${service}): ${shown}${code === null ? why : ` [${visible(code)}]`}\n`);
    }
  }
  return answer.results.every(({ result }) => result === 'sent') ? EXIT.fine : EXIT.invalid;
}
