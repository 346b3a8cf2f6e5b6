/** `ota-agent conform`: checks any controller, or any agent, against the protocol. */

import { Option } from 'commander';
import { Agent as HttpAgent } from 'undici';
import { Fault } from '../../controller/domain/fault.ts';
import { isDeviceId } from '../../controller/domain/ids.ts';
import { readKit } from '../conform/agent/kit-folder.ts';
import { processAgent } from '../conform/agent/process.ts';
import { agentChecks, checkAgent } from '../conform/agent/run.ts';
import { controllerChecks } from '../conform/controller/checks.ts';
import { World } from '../conform/controller/world.ts';
import { Finding } from '../conform/finding.ts';
import { junitXml, type Verdict } from '../conform/junit.ts';
import { controllerUrl } from '../http/origin.ts';
import { deviceToken, readText, writeText } from './credentials.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { deviceIdOption, wholeNumber } from './options.ts';
import type { Verb } from './program.ts';

interface Flags {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly device?: string;
  readonly sdk: number;
  readonly ca?: string;
  readonly withReports?: boolean;
  readonly agent?: string;
  readonly kit?: string;
  readonly only?: string[];
  readonly parallel: number;
  readonly quiet: number;
  readonly limit: number;
  readonly timeScale: number;
  readonly list?: boolean;
  readonly junit?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  # any controller, by what it answers one enrolled device
  ota-agent conform --url https://ota.example.com --token-file kiosk-7.token

  # and with results posted, which stay in its store
  ota-agent conform --url http://127.0.0.1:8080 --token-file kiosk-7.token \\
    --with-reports

  # any agent, by what it asks: this one, then another in a JVM
  ota-agent conform --agent "ota-agent run --setup {setup}" \\
    --kit schemas/vectors/apks
  ota-agent conform --agent "java -jar agent-harness.jar {setup}" \\
    --kit schemas/vectors/apks --only refuses_a_wrong_sha256 --junit out.xml

docs/agent-protocol.md says what the program behind --agent must read and do.
`;

export const conformVerb: Verb = (program, choose) => {
  program
    .command('conform')
    .description('check a controller (--url) or an agent (--agent) against the protocol')
    .option('--url <url>', 'the controller to check (or OTA_AGENT_URL)')
    .option('--token-file <file>', 'a device’s token (or OTA_AGENT_TOKEN_FILE, OTA_AGENT_TOKEN)')
    .option('--device <id>', 'the device id, if the token does not contain it', deviceIdOption)
    .option('--sdk <n>', 'the SDK level to ask for', wholeNumber(24, 10_000), 33)
    .option('--ca <file>', 'PEM of a private authority to trust')
    .option('--with-reports', 'also post results')
    .addOption(
      new Option('--agent <command>', 'the agent to check; {setup} is its setup file').conflicts('url'),
    )
    .option('--kit <folder>', 'the APKs to check an agent with')
    .option('--only <names...>', 'only these checks')
    .option('--parallel <n>', 'agents at a time', wholeNumber(1, 64), 4)
    .option('--quiet <ms>', 'silence after which an agent counts as done', wholeNumber(10, 600_000), 1_500)
    .option('--limit <ms>', 'longest wait for an expected request', wholeNumber(100, 600_000), 20_000)
    .option(
      '--time-scale <factor>',
      'passed to the agent: it shortens its waits by this factor',
      wholeNumber(1, 1_000_000),
      300,
    )
    .option('--list', 'print the checks of both sides and end')
    .option('--json', 'print the result, or the list, as JSON')
    .option('--junit <file>', 'also write the result as JUnit XML')
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => choose(io => conform(io, flags)));
};

async function conform(io: Io, flags: Flags): Promise<ExitCode> {
  if (flags.list === true) return list(io, flags);
  const show = (line: Verdict) => {
    if (flags.json !== true) io.out(text(io, line));
  };
  const lines =
    flags.agent === undefined
      ? await conformController(io, flags, show)
      : await conformAgent(io, flags, flags.agent, show);
  if (flags.junit !== undefined)
    writeText(
      flags.junit,
      junitXml(flags.agent === undefined ? 'controller' : 'agent', lines),
      'the JUnit file',
    );
  const count = (result: Verdict['result']) => lines.filter(line => line.result === result).length;
  const summary = { ok: count('ok'), failed: count('failed'), skipped: count('skipped') };
  if (flags.json === true) outJson(io, { ...summary, checks: lines });
  else io.out(`${summary.ok} ok, ${summary.failed} failed, ${summary.skipped} skipped\n`);
  return summary.failed > 0 || lines.length === 0 ? EXIT.failed : EXIT.fine;
}

/** Lists the checks of both sides, each with the wrong agent or controller that it catches. */
function list(io: Io, flags: Flags): ExitCode {
  const sides = { agent: agentChecks(), controller: controllerChecks() };
  const told = ({ name, clause, catches }: { name: string; clause: string; catches: string }) => ({
    name,
    clause,
    catches,
  });
  if (flags.json === true) {
    outJson(io, { agent: sides.agent.map(told), controller: sides.controller.map(told) });
    return EXIT.fine;
  }
  for (const [side, checks] of Object.entries(sides)) {
    io.out(`${paint(io).bold(side)} (${checks.length} checks)\n`);
    for (const { name, clause } of checks) io.out(`  ${name}  ${clause}\n`);
  }
  return EXIT.fine;
}

function text(io: Io, { name, clause, result, detail, warnings }: Verdict): string {
  const { green, red, yellow, dim } = paint(io);
  const mark = { ok: green('ok     '), failed: red('FAILED '), skipped: yellow('skipped') }[result];
  const first = `${mark} ${name}${detail === undefined ? '' : `: ${detail}`}\n`;
  const warned = warnings.map(warning => `        ${yellow('warning')} ${warning}\n`).join('');
  return `${first}${result === 'failed' ? dim(`        ${clause}\n`) : ''}${warned}`;
}

/** Tokens of this project contain the device id: `v1.<kid>.<device_id>.<generation>.<mac>`. */
function deviceOf(token: string): string | undefined {
  const parts = token.split('.');
  const id = parts[0] === 'v1' && parts.length >= 5 ? parts.slice(2, -2).join('.') : '';
  return isDeviceId(id) ? id : undefined;
}

async function conformController(io: Io, flags: Flags, show: (line: Verdict) => void): Promise<Verdict[]> {
  const given = flags.url ?? io.environment.OTA_AGENT_URL;
  if (given === undefined)
    throw new Fault('option_missing', 'nothing to check: give --url URL or --agent COMMAND', {
      retry: 'never',
    });
  const token = deviceToken(io, flags.tokenFile);
  const deviceId = flags.device ?? deviceOf(token);
  if (deviceId === undefined)
    throw new Fault('option_missing', 'the token does not contain a device id: give --device ID', {
      retry: 'never',
    });
  const ca = flags.ca === undefined ? {} : { connect: { ca: readText(flags.ca, 'the authority') } };
  const dispatcher = new HttpAgent(ca);
  const url = controllerUrl(given);
  const world = new World({
    url,
    token,
    deviceId,
    sdk: flags.sdk,
    dispatcher,
    mayReport: flags.withReports ?? false,
  });
  const lines: Verdict[] = [];
  try {
    for (const { name, clause, run } of controllerChecks().filter(
      c => flags.only === undefined || flags.only.includes(c.name),
    )) {
      const startedMs = performance.now();
      const judged = await outcome(() => run(world));
      const ms = Math.round(performance.now() - startedMs);
      const line = { name, clause, ...judged, warnings: [], ms };
      lines.push(line);
      show(line);
    }
  } finally {
    await dispatcher.destroy();
  }
  return lines;
}

async function outcome(
  run: () => Promise<'ok' | { readonly skip: string }>,
): Promise<Pick<Verdict, 'result' | 'detail'>> {
  try {
    const result = await run();
    return result === 'ok' ? { result: 'ok', detail: undefined } : { result: 'skipped', detail: result.skip };
  } catch (error) {
    if (error instanceof Finding) return { result: 'failed', detail: error.message };
    // If the controller breaks the connection or answers nonsense, the check fails, not this program.
    if (error instanceof Error) return { result: 'failed', detail: error.message.slice(0, 200) };
    throw error;
  }
}

async function conformAgent(
  io: Io,
  flags: Flags,
  command: string,
  show: (line: Verdict) => void,
): Promise<Verdict[]> {
  if (!command.includes('{setup}'))
    throw new Fault(
      'option_missing',
      'the --agent command must contain {setup}, which is replaced by the path of the setup file',
      {
        retry: 'never',
      },
    );
  if (flags.kit === undefined)
    throw new Fault('option_missing', 'give --kit FOLDER, the APKs to check with', { retry: 'never' });
  const { PATH, HOME, LANG, JAVA_HOME } = io.environment;
  const under = processAgent({
    command,
    environment: { PATH, HOME, LANG, JAVA_HOME },
    quietMs: flags.quiet,
    limitMs: flags.limit,
    timeScale: flags.timeScale,
    onError: said => io.err(said),
  });
  const lines: Verdict[] = [];
  await checkAgent(under, await readKit(flags.kit), {
    parallel: flags.parallel,
    ...(flags.only === undefined ? {} : { only: flags.only }),
    onResult: ({ name, clause, finding, warnings, ms }) => {
      const result = finding === undefined ? 'ok' : 'failed';
      const line: Verdict = { name, clause, result, detail: finding, warnings, ms };
      lines.push(line);
      show(line);
    },
  });
  return lines;
}
