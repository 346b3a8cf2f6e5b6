/** Every JSON that is described is printed so: real commands against a whole controller, held to their schemas. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readOpenapi } from '../../controller/http/contract.ts';
import { ota } from '../support/cli.ts';
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
ajv.addSchema(readOpenapi(), 'openapi.yaml').addSchema(SCHEMA, 'cli.schema.json');

const pointer = (name: string): string =>
  encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));

/** What does not fit, in words. */
function misfits(name: string, value: unknown): string[] {
  const validate = ajv.getSchema(`cli.schema.json#/$defs/${pointer(name)}`);
  if (validate === undefined) return [`there is no schema of ${name}`];
  return validate(value) ? [] : (validate.errors ?? []).map(e => `${name} ${e.instancePath} ${e.message}`);
}

test('each described command prints what its schema says', () =>
  withController(async journey => {
    const { repository, folder } = journey;
    const [d1] = await journey.enrol(['d1', 'd2']);
    await journey.merge(10);
    await call(journey.url, 'GET', '/v1/agent/update?version_code=41&build_id=b41&sdk=33', {
      token: d1?.token ?? '',
    });
    const ids = path.join(folder, 'ids');
    await writeFile(ids, 'd1\nd2\n');
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
      'backup --full --json': [
        'backup',
        path.join(folder, 'b.tar'),
        '--full',
        '--data',
        path.join(folder, 'data'),
        '--json',
      ],
      'backup --json': ['backup', path.join(folder, 'b.db'), '--data', path.join(folder, 'data'), '--json'],
    };
    assert.equal(Object.keys(commands).sort(), [...DESCRIBED].sort(), 'each is run');
    const wrong: string[] = [];
    for (const [name, argv] of Object.entries(commands)) {
      const printed = await run(...argv).catch((error: Error) => error.message);
      wrong.push(...misfits(name, printed));
    }
    assert.equal(wrong, []);
  }));

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

test('the schemas can fail, and the page names each of them', async () => {
  for (const name of DESCRIBED) assert.ok(misfits(name, { surprise: 1 }).length > 0, name);
  const page = await readFile(path.join(root, 'docs/cli-json.md'), 'utf8');
  for (const name of DESCRIBED) assert.ok(page.includes(`| \`ota ${name}\` |`), name);
});

test.run();
