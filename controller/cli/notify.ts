/** `ota notify test`: do notifications arrive? */
import { controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { visible } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';

/** The controller itself waits some ten seconds for each destination, side by side. */
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
    .summary('try out where notifications go')
    .addHelpText('after', examples('ota notify test'))
    .command('test')
    .summary('send a test message to one destination or to all')
    .description(
      'Exit code 1 when it did not arrive everywhere. Destinations are those of OTA_NOTIFY at the controller;\n' +
        'they are named, their URLs are never shown. Needs scope admin, and is audited.',
    )
    .argument('[destination]', 'its name; left out it is all of them')
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
