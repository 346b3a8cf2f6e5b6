/** `ota doctor`: checks each part of this machine and of the controller, and says how to fix what is wrong. */
import { simpleGit } from 'simple-git';
import { Fault } from '../domain/fault.ts';
import { type Answer, controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { visibleLine } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { table } from './table.ts';
import { VERSION } from './version.ts';

interface Check {
  readonly part: string;
  readonly state: 'fine' | 'off' | 'warning' | 'failing';
  readonly text: string;
  readonly cure: string | null;
}

interface HealthOnWire {
  readonly version: string;
  readonly checks: readonly Check[];
}

export const doctor: Verb = (program, choose) => {
  program
    .command('doctor')
    .summary('check the controller and what it needs, and say how to fix problems')
    .description(
      'Checks what this machine and the controller need: clock, Git, keys, certificate, disk, FCM, GitHub and its\n' +
        'permissions, the webhook, the OpenID provider. Exit code 1 if a part is failing; 0 if there are only warnings.',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', examples('ota doctor', 'ota doctor --json | jq .checks'))
    .action((options: { json?: boolean }) => choose(io => runDoctor(options, io)));
};

async function runDoctor(options: { json?: boolean }, io: Io): Promise<ExitCode> {
  const checks = [await gitCheck(io), ...(await controllerChecks(io))];
  const failing = checks.some(c => c.state === 'failing');
  if (options.json === true) outJson(io, { version: VERSION, failing, checks });
  else print(checks, io);
  return failing ? EXIT.invalid : EXIT.fine;
}

const fine = (part: string, text: string): Check => ({ part, state: 'fine', text, cure: null });

/** `merge-tree --write-tree` needs Git 2.38. */
async function gitCheck(io: Io): Promise<Check> {
  const part = 'git here';
  const { installed, major, minor, patch } = await simpleGit({ baseDir: io.cwd }).version();
  const cure = 'install Git 2.38 or newer';
  if (!installed) return { part, state: 'failing', text: 'Git is not installed, or not in PATH', cure };
  const version = `${major}.${minor}.${patch}`;
  return major > 2 || (major === 2 && minor >= 38)
    ? fine(part, `Git ${version}`)
    : { part, state: 'warning', text: `Git ${version} is old`, cure };
}

async function controllerChecks(io: Io): Promise<Check[]> {
  const part = 'controller';
  try {
    const client = controllerClient(io);
    const answer = await client.call({ path: '/v1/health' });
    const { version, checks } = answer.json as HealthOnWire;
    const reached = `${client.url} answers, version ${version}`;
    const same = version === VERSION;
    return [
      same
        ? fine(part, reached)
        : {
            part,
            state: 'warning',
            text: `${reached}; this command is ${VERSION}`,
            cure: 'use the command line with the same version as the controller',
          },
      clockCheck(answer, io.nowMs()),
      ...checks,
    ];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const [text = error.code, ...more] = error.message.split('\n').map(line => line.trim());
    const cure =
      error.code === 'route_unknown'
        ? 'the controller is older than this command: update it'
        : (more[0] ?? 'see docs/cli.md, "When it says no"');
    return [{ part, state: 'failing', text: `${text} [${error.code}]`, cure }];
  }
}

const SKEW_MS = 5 * 60_000;

/** Compares with the Date header, because plans and deadlines use the clock of this machine. */
function clockCheck({ headers }: Answer, nowMs: number): Check {
  const part = 'clock here';
  const thereMs = Date.parse(String(headers.date));
  if (Number.isNaN(thereMs)) return { part, state: 'off', text: 'the controller sent no time', cure: null };
  const offS = Math.round(Math.abs(nowMs - thereMs) / 1000);
  return offS * 1000 < SKEW_MS
    ? fine(part, 'agrees with the controller’s')
    : {
        part,
        state: 'warning',
        text: `differs by ${offS} s from the controller’s`,
        cure: 'set the clock of this machine by NTP',
      };
}

function print(checks: readonly Check[], io: Io): void {
  const colours = paint(io);
  const shown = { fine: colours.green, off: colours.dim, warning: colours.yellow, failing: colours.red };
  const rows = checks.flatMap(({ part, state, text, cure }) => [
    [colours.bold(part), shown[state](state), visibleLine(text)],
    ...(cure === null ? [] : [['', '', colours.dim(`→ ${visibleLine(cure)}`)]]),
  ]);
  io.out(table(rows));
}
