/** `ota version`: prints the versions of this command and of the controller. */
import type * as Api from '../../schemas/api.d.ts';
import { controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, outJson } from './io.ts';
import { examples, type Verb } from './program.ts';
import { VERSION } from './version.ts';

interface VersionOptions {
  readonly client?: boolean;
  readonly json?: boolean;
}

export const version: Verb = (program, choose) => {
  program
    .command('version')
    .summary('print the versions of this command and of the controller')
    .description('Prints the version of this command and, unless --client, of the controller.')
    .option('--client', 'only the version of this command; does not ask the controller')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('ota version', 'ota version --client'))
    .action((options: VersionOptions) => choose(io => runVersion(options, io)));
};

async function runVersion(options: VersionOptions, io: Io): Promise<ExitCode> {
  const json = options.json === true;
  // Printed first, because it is known even if the controller cannot be asked.
  if (!json) io.out(`ota         ${VERSION}\n`);
  if (options.client === true) {
    if (json) outJson(io, { client: VERSION, controller: null, url: null });
    return EXIT.fine;
  }
  const client = controllerClient(io);
  const { version: controller } = (await client.call({ path: '/v1/health' })).json as Api.HealthReport;
  if (json) outJson(io, { client: VERSION, controller, url: client.url });
  else io.out(`controller  ${controller} at ${client.url}\n`);
  return EXIT.fine;
}
