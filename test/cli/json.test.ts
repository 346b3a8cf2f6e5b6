/** Every JSON that is described is printed so: real commands against a whole controller, held to their schemas. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { allVerbs } from '../../controller/cli/verbs.ts';
import { readOpenapi } from '../../controller/http/body-schemas.ts';
import { ota, WIRING } from '../support/cli.ts';
import { withController } from '../support/controller.ts';
import { call } from '../support/http.ts';

const root = path.resolve(import.meta.dirname, '../..');
const SCHEMA = JSON.parse(await readFile(path.join(root, 'schemas/cli.schema.json'), 'utf8')) as {
  readonly $defs: Readonly<Record<string, unknown>>;
};
/** Parts of others. */
const SHARED = new Set(['Problem', 'Plan', 'Scenario', 'Played', 'Distribution']);
const DESCRIBED = Object.keys(SCHEMA.$defs).filter(name => !SHARED.has(name));

const ajv = new Ajv2020({ strict: false, allErrors: true });
formats.default(ajv);
// Its properties are alike in both drafts; Ajv2020 does not hold the meta-schema of the older one.
const { $schema: _draft, ...build } = JSON.parse(
  await readFile(path.join(root, 'schemas/build.schema.json'), 'utf8'),
) as Record<string, unknown>;
ajv.addSchema(build);
ajv.addSchema(readOpenapi(), 'openapi.yaml').addSchema(SCHEMA, 'cli.schema.json');

const pointer = (name: string): string =>
  encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));

/** What does not fit, in words. */
function misfits(name: string, value: unknown): string[] {
  const validate = ajv.getSchema(`cli.schema.json#/$defs/${pointer(name)}`);
  if (validate === undefined) return [`there is no schema of ${name}`];
  return validate(value) ? [] : (validate.errors ?? []).map(e => `${name} ${e.instancePath} ${e.message}`);
}

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;

/** Nobody listens at the discard port, so that a test message fails at once. */
const NOTIFY = JSON.stringify({
  destinations: [{ name: 'log', service: 'generic', url: 'https://127.0.0.1:9/x', secret: SECRET }],
});

test('each described command prints what its schema says', () =>
  withController(
    async journey => {
      const { repository, folder } = journey;
      const [d1] = await journey.enrol(['d1', 'd2']);
      await journey.merge(10);
      await call(journey.url, 'GET', '/v1/agent/update?version_code=41&build_id=b41&sdk=33', {
        token: d1?.token ?? '',
      });
      const ids = path.join(folder, 'ids');
      await writeFile(ids, 'd1\nd2\n');
      await mkdir(path.join(folder, 'another'));
      const run = async (...argv: string[]): Promise<unknown> => {
        const ran = await ota(argv, { cwd: repository.folder, url: journey.url, token: journey.adminToken });
        try {
          return JSON.parse(argv.includes('-w') ? (ran.out.split('\n')[0] ?? '') : ran.out);
        } catch {
          throw new Error(`${argv.join(' ')}: ${ran.code} ${ran.out}${ran.err}`);
        }
      };
      const commands: Readonly<Record<string, readonly string[]>> = {
        'validate --format json': ['validate', '--format', 'json'],
        'plan --format json': ['plan', '--format', 'json'],
        'diff --format json': ['diff', '--format', 'json'],
        'rollout --json': ['rollout', '50', '--dry-run', '--json'],
        'status --json': ['status', '--json'],
        'status --watch --json': ['status', '-w', '--interval', '1s', '--timeout', '1s', '--json'],
        'history --json': ['history', '--json'],
        'failures --json': ['failures', '--json'],
        'failures --by device --json': ['failures', '--by', 'device', '--json'],
        'explain --json': ['explain', 'd1', '--json'],
        'artifact list --json': ['artifact', 'list', '--json'],
        'device enrol --json': ['device', 'enrol', 'd3', '--json'],
        'device import --json': ['device', 'import', ids, '--json'],
        'device list --json': ['device', 'list', '--json'],
        'device tag --json': ['device', 'tag', 'd1', 'lab', '--json'],
        'device tag --file --json': ['device', 'tag', '--file', ids, '--add', 'qa', '--yes', '--json'],
        'device rotate --json': ['device', 'rotate', 'd1', '--json'],
        'device revoke --file --json': ['device', 'revoke', '--file', ids, '--yes', '--json'],
        'device delete --file --json': ['device', 'delete', '--file', ids, '--dry-run', '--json'],
        'token create --json': ['token', 'create', 'ci', '--scope', 'read', '--json'],
        'token list --json': ['token', 'list', '--json'],
        'brake --json': ['brake', '--reason', 'x', '--json'],
        'resume --json': ['resume', '--reason', 'x', '--json'],
        'reconcile --json': ['reconcile', '--json'],
        'clock confirm --json': ['clock', 'confirm', '--json'],
        'doctor --json': ['doctor', '--json'],
        'version --json': ['version', '--json'],
        'context list --json': ['context', 'list', '--json'],
        'build verify --json': ['build', 'verify', path.join(root, 'examples/apks/b41.apk'), '--json'],
        'policy show --json': ['policy', 'show', '--json'],
        'simulate --json': ['simulate', '--count', '20', '--base', 'HEAD', '--json'],
        'simulate --gate --json': ['simulate', '--gate', '--count', '200', '--fail', '50', '--json'],
        'simulate --gate --runs --json': ['simulate', '--gate', '--count', '50', '--runs', '2', '--json'],
        'notify test --json': ['notify', 'test', '--json'],
        'explain --at --json': ['explain', 'd2', '--at', new Date().toISOString(), '--json'],
        'rehearse --format json': ['rehearse', '--base', 'HEAD', '--format', 'json'],
        'build add --json': [
          ...['build', 'add', path.join(root, 'examples/apks/b41.apk'), '--id', 'example'],
          ...['--dir', path.join(folder, 'another'), '--no-upload', '--json'],
        ],
        'backup --full --json': [
          'backup',
          path.join(folder, 'b.tar'),
          '--full',
          '--data',
          path.join(folder, 'data'),
          '--json',
        ],
        'backup --json': ['backup', path.join(folder, 'b.db'), '--data', path.join(folder, 'data'), '--json'],
        'restore --check --json': ['restore', path.join(folder, 'b.tar'), '--check', '--json'],
        'restore --json': [
          ...['restore', path.join(folder, 'b.tar')],
          ...['--data', path.join(folder, 'restored'), '--json'],
        ],
      };
      assert.equal(Object.keys(commands).sort(), [...DESCRIBED].sort(), 'each is run');
      const wrong: string[] = [];
      for (const [name, argv] of Object.entries(commands)) {
        const printed = await run(...argv).catch((error: Error) => error.message);
        wrong.push(...misfits(name, printed));
      }
      assert.equal(wrong, []);
    },
    { settings: { OTA_NOTIFY: NOTIFY } },
  ));

/** Verbs that edit print what `rollout --json` prints. */
const EDITS = /^(promote|rollback|ramp|canary (add|remove)|suspend|unsuspend|withdraw|policy set)$/;

/** Every verb that can print JSON, with the option that asks for it: `device list --json`. */
function jsonVerbs(command: Command, words: readonly string[] = []): string[] {
  const json = command.options.flatMap(({ long, argChoices }) =>
    long === '--json' ? [long] : long === '--format' && argChoices?.includes('json') ? [`${long} json`] : [],
  );
  return [
    ...json.map(option => [...words, option].join(' ')),
    ...command.commands.flatMap(child => jsonVerbs(child, [...words, child.name()])),
  ];
}

test('no verb prints JSON that nobody described', async () => {
  const program = new Command();
  for (const verb of await allVerbs(WIRING)) verb(program, () => undefined);
  const found = jsonVerbs(program);
  assert.ok(found.length > 40, String(found.length));
  const words = (name: string): string => name.replace(/ --.*$/, '');
  const known = DESCRIBED.map(words);
  assert.equal(
    found.filter(name => !EDITS.test(words(name)) && !known.includes(words(name))),
    [],
  );
});

test('an invalid state prints what the schema says too', () =>
  withController(async journey => {
    await journey.merge(10);
    const file = path.join(journey.repository.folder, 'releases/rollout.yaml');
    await writeFile(file, 'kind: [broken');
    for (const verb of ['validate', 'plan'] as const) {
      const { out } = await ota([verb, '--format', 'json'], { cwd: journey.repository.folder });
      assert.equal(misfits(`${verb} --format json`, JSON.parse(out)), []);
    }
  }));

test('a rehearsal that passes and one of an invalid change print what the schema says', () =>
  withController(async journey => {
    await journey.merge(10);
    await journey.merge(50);
    const rehearse = async (): Promise<Record<string, unknown>> => {
      const argv = ['rehearse', '--base', 'HEAD~1', '--format', 'json'];
      const { out } = await ota(argv, { cwd: journey.repository.folder });
      return JSON.parse(out) as Record<string, unknown>;
    };
    const passes = await rehearse();
    assert.equal([passes.result, misfits('rehearse --format json', passes)], ['passes', []]);
    await journey.commitFiles({ 'rollout.yaml': 'kind: [broken' });
    const invalid = await rehearse();
    assert.equal([invalid.result, misfits('rehearse --format json', invalid)], ['invalid', []]);
  }));

test('the schemas can fail, and the page names each of them', async () => {
  for (const name of DESCRIBED) assert.ok(misfits(name, { surprise: 1 }).length > 0, name);
  const page = await readFile(path.join(root, 'docs/cli-json.md'), 'utf8');
  for (const name of DESCRIBED) assert.ok(page.includes(`| \`ota ${name}\` |`), name);
});

test.run();
