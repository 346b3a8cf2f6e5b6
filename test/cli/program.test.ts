import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conformVerb } from '../../agent/cli/conform.ts';
import { fleetVerb } from '../../agent/cli/fleet.ts';
import { run as runAgent } from '../../agent/cli/program.ts';
import { runVerb } from '../../agent/cli/run.ts';
import { allVerbs } from '../../controller/cli/verbs.ts';
import { outlineText } from '../../scripts/cli-outline.ts';
import { ota, otaProcess, WIRING } from '../support/cli.ts';

/** `device tag`: every verb that can be run, as the program has them. */
const VERBS: readonly string[] = leavesOf(await commandTree());

async function commandTree(): Promise<Command> {
  const program = new Command('ota');
  for (const add of await allVerbs(WIRING)) add(program, () => undefined);
  return program;
}

function leavesOf(command: Command, above = ''): string[] {
  return command.commands.flatMap(c => {
    const name = above === '' ? c.name() : `${above} ${c.name()}`;
    return c.commands.length === 0 ? [name] : leavesOf(c, name);
  });
}

test('the help of every verb has examples', async () => {
  for (const verb of VERBS) {
    const { code, out } = await ota([...verb.split(' '), '--help']);
    assert.is(code, 0, verb);
    assert.match(out, new RegExp(`^Usage: ota ${verb.replace('enrol', 'enrol\\S*')}`), verb);
    assert.match(out, new RegExp(`Examples:\\n  \\$ [\\s\\S]*ota ${verb}`), verb);
  }
});

test('defaults stand in the help as people write them, not as 7776000000', async () => {
  const raw = /\(default: (?:\d{5,}|\[object|\{|undefined|null)/;
  assert.match('(default: 7776000000)', raw);
  for (const verb of VERBS) assert.not.match((await ota([...verb.split(' '), '--help'])).out, raw, verb);
});

/** Examples may be longer: they are copied whole. */
const tooWide = (help: string): string[] =>
  help.split('\n').filter(line => line.length > 80 && !/^ {2}\$ /.test(line));

/** Lines of the description that end although the next word had room. */
function brokenEarly(help: string): string[] {
  const [, description = ''] =
    /^Usage: .*\n(?: .*\n)*\n([\s\S]*?)\n\n(?:Arguments|Options|Commands):/.exec(help) ?? [];
  const lines = description.split('\n');
  return lines.filter((line, at) => {
    const [word = ''] = (lines[at + 1] ?? '').split(' ');
    return line !== '' && word !== '' && line.length + 1 + word.length <= 80;
  });
}

test('the text of every help fills its lines', async () => {
  assert.equal(brokenEarly('Usage: ota x\n\nA short\nline.\n\nOptions:\n'), ['A short']);
  for (const verb of VERBS) {
    const { out } = await ota([...verb.split(' '), '--help']);
    assert.equal(brokenEarly(out), [], verb);
  }
});

test('the help of every verb of both programs is within 80 columns', async () => {
  for (const verb of VERBS) {
    const { out } = await ota([...verb.split(' '), '--help']);
    assert.equal(tooWide(out), [], verb);
  }
  for (const argv of [['--help'], ['run', '--help'], ['fleet', '--help'], ['conform', '--help']]) {
    let out = '';
    const text = (piece: string): void => {
      out += piece;
    };
    const io = { out: text, err: text, environment: {}, terminal: false, colour: false };
    const never = new AbortController().signal;
    await runAgent(
      argv,
      { ...io, stdin: Readable.from([]), interrupted: never },
      [runVerb, fleetVerb, conformVerb],
      '0.0.0',
    );
    assert.match(out, /^Usage: ota-agent/);
    assert.equal(tooWide(out), [], argv.join(' '));
  }
});

test('the help names every verb, the environment and the exit codes', async () => {
  const { code, out } = await ota(['--help']);
  assert.is(code, 0);
  for (const verb of VERBS) assert.match(out, new RegExp(`^ {2}${verb.split(' ')[0]} `, 'm'), verb);
  assert.ok(
    out.split('\n').every(line => line.length <= 80),
    'within 80 columns',
  );
  assert.match(out, /OTA_ADMIN_TOKEN/);
  assert.match(
    out,
    /0 success, 1 invalid or differences, 2 error, 3 timeout,\n4 halted or waiting for a person, 130 Ctrl-C/,
  );
});

test('the documentation names verbs and options that are there', async () => {
  const text = await readFile(path.resolve(import.meta.dirname, '../../docs/cli.md'), 'utf8');
  const lines = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.split('\n'));
  const commands = lines
    .flatMap(line => line.replace(/ {2,}#.*$/, '').split(/ \| | && /))
    .filter(c => c.startsWith('ota '));
  assert.ok(commands.length > 25);
  for (const command of commands) {
    const words = command.split(' ').slice(1);
    const verb = VERBS.find(v => `${words.join(' ')} `.startsWith(`${v} `)) ?? '';
    assert.ok(verb !== '', command);
    const { out } = await ota([...verb.split(' '), '--help']);
    for (const option of words.filter(w => /^-{1,2}[a-z]/.test(w) && w !== '--context'))
      assert.ok(new RegExp(`(^|[ ,])${option}[ ,\n]`, 'm').test(out), `${command}: ${option}`);
  }
});

/** What every verb has and the page says once. */
const EVERYWHERE = ['--help', '--json', '--dir'];

test('every verb and every option is in the documentation', async () => {
  const text = await readFile(path.resolve(import.meta.dirname, '../../docs/cli.md'), 'utf8');
  const missing: string[] = [];
  for (const verb of VERBS) {
    if (!text.includes(`ota ${verb}`) && !text.includes(`\`${verb}\``)) missing.push(`ota ${verb}`);
    const { out } = await ota([...verb.split(' '), '--help']);
    for (const [, option = ''] of out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm))
      if (!EVERYWHERE.includes(option) && !new RegExp(`${option}(?![a-z-])`).test(text))
        missing.push(`ota ${verb} ${option}`);
  }
  assert.equal(missing, []);
});

test('a mistyped verb, option or value exits 2 and says what was meant', async () => {
  for (const [argv, expected] of [
    [
      ['promot', 'b42'],
      /unknown command 'promot' \[unknown_command\]\n {2}\(Did you mean promote\?\)\nRun "ota --help"/,
    ],
    [['help', 'promte'], /unknown command 'promte' \[unknown_command\]\n {2}\(Did you mean promote\?\)/],
    [['help', 'device', 'tga'], /unknown command 'tga' \[unknown_command\]\n {2}\(Did you mean tag\?\)/],
    [['status', '--interval'], /argument missing \[option_missing_argument\]/],
    [['build', 'add'], /missing required argument 'apk' \[missing_argument\]/],
    [['withdraw', 'b42'], /'--reason <text>' not specified \[missing_mandatory_option_value\]/],
    [['status', '-w', '--timeout', '60'], /Before 0\.2 this meant seconds: write 60s\. \[invalid_argument\]/],
    [['simulate', '--gate', '--silent-after', '60'], /A unit is missing: write 60s, 60m, 60h or 60d\./],
    [['device', 'lst'], /Did you mean list\?\)\nRun "ota device --help"/],
    [['status', '--timeuot', '3s'], /Did you mean --timeout\?\)\nRun "ota status --help"/],
    [['promote', 'b42'], /give --percent 1, or --ramp .* \[usage\]/],
    [['promote', 'b 42', '--percent', '1'], /A build id is/],
    [['promote', 'b42', '--percent', '2.345'], /at most two decimals/],
    [['promote', 'b42', '--percent', '101'], /0 to 100/],
    [['rollout', '99999999999999999999999'], /0 to 100/],
    [['rollout', '-5'], /0 to 100/],
    [['rollout', 'NaN'], /0 to 100/],
    [['rollout', '1e1'], /0 to 100/],
    [['validate', '--format', 'xml'], /Allowed choices are text, json, github, sarif/],
    [['status', '-w', '--timeout', '1y'], /duration like 90s/],
    [['simulate', '--count', '99999999999'], /whole number from 1 to 1000000/],
    [['explain', 'no such id'], /A device id is/],
    [['device', 'tag', 'd1', 'QA'], /"QA" is not a valid tag/],
    [['device', 'tag', 'd1'], /give the new tags, or --add\/--remove, or --clear/],
    [['device', 'delete', 'd1'], /add --yes/],
    [
      ['token', 'create', 'ci', '--scope', 'everything'],
      /"everything" is not a scope; choose from: read, devices/,
    ],
    [['build', 'verify', 'x.apk', '--sdk', '3'], /SDK 24 and up/],
    [['reconcile', '--accept-rewrite', 'main'], /full hash/],
    [['validate', 'a', 'b'], /too many arguments/],
  ] as const) {
    const { code, err, out } = await ota(argv);
    assert.is(code, 2, argv.join(' '));
    assert.match(err, expected, argv.join(' '));
    assert.is(out, '', argv.join(' '));
  }
});

test('a secret among the arguments is refused and not repeated', async () => {
  for (const argv of [
    ['--token', 's3cret', 'status'],
    ['status', '--admin-token=s3cret'],
    ['device', 'list', '--password=s3cret'],
  ]) {
    const { code, err, out } = await ota(argv);
    assert.is(code, 2);
    assert.match(err, /secret_in_arguments/);
    assert.match(err, /OTA_ADMIN_TOKEN/);
    assert.not.match(err + out, /s3cret/);
  }
});

test('the real process: no arguments shows the help and exits 2, --version 0, no colours in a pipe', async () => {
  const bare = await otaProcess([], { env: { FORCE_COLOR: '1' } });
  assert.is(bare.code, 2);
  assert.is(bare.out, '');
  assert.match(bare.err, /^Usage: ota/);
  assert.not.ok(bare.err.includes('\u001b'));
  const version = await otaProcess(['--version']);
  assert.is(version.code, 0);
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
});

test('the real process: without a token, and with nobody listening, the error says what to check', async () => {
  const none = await otaProcess(['status']);
  assert.is(none.code, 2);
  assert.match(none.err, /OTA_ADMIN_TOKEN is not set \[token_missing\]/);
  const down = await otaProcess(['status'], {
    env: { OTA_URL: 'http://127.0.0.1:9', OTA_ADMIN_TOKEN: 's3cret' },
  });
  assert.is(down.code, 2);
  assert.match(
    down.err,
    /cannot reach the controller at http:\/\/127\.0\.0\.1:9: .+\n {2}check that the controller is running/,
  );
  assert.not.match(down.err, /s3cret/);
});

test('OTA_URL must be a URL, and never plain http to another machine', async () => {
  for (const [url, code] of [
    ['nonsense', 'url_invalid'],
    ['ftp://host', 'url_invalid'],
    ['https://user:pw@host', 'url_invalid'],
    ['http://ota.example.com', 'url_insecure'],
    ['http://127.0.0.1.example.com', 'url_insecure'],
  ] as const) {
    const { code: exit, err } = await ota(['status'], { url, token: 's3cret' });
    assert.is(exit, 2);
    assert.match(err, new RegExp(`\\[${code}\\]`), url);
    assert.not.match(err, /s3cret|:pw@/);
  }
});

test('the outline that the help shows is that of the verbs', async () => {
  const committed = await readFile(new URL('../../controller/cli/outline.ts', import.meta.url), 'utf8');
  assert.is(committed, await outlineText(), 'run node --import tsx scripts/cli-outline.ts');
});

test.run();
