/** A stand-in for npm's registry that serves the packages this checkout has installed, so that no test needs the network. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

interface Registry {
  readonly url: string;
  stop(): Promise<void>;
}

/** The folders of each package by its name: several versions of a package can be installed. */
async function installed(): Promise<ReadonlyMap<string, string[]>> {
  const lock = JSON.parse(await readFile(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, object>;
  };
  const folders = new Map<string, string[]>();
  for (const folder of Object.keys(lock.packages)) {
    const [, name] = /(?:^|.*\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(folder) ?? [];
    if (name !== undefined) folders.set(name, [...(folders.get(name) ?? []), folder]);
  }
  return folders;
}

interface Manifest {
  readonly version: string;
  readonly scripts?: object;
  readonly dependencies?: Readonly<Record<string, string>>;
}

type Overrides = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * The document of a package (npm's package metadata): each installed version with the address of its tarball. Dependencies
 * are those of the project's overrides, since no other version of what they name is installed.
 */
async function documentOf(name: string, folders: readonly string[], url: string): Promise<object> {
  const project = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
    overrides: Overrides;
  };
  const { overrides } = project;
  const versions: Record<string, object> = {};
  for (const folder of folders) {
    const text = await readFile(path.join(ROOT, folder, 'package.json'), 'utf8').catch(() => undefined);
    if (text === undefined) continue; // an optional package of another platform
    const { scripts: _, ...manifest } = JSON.parse(text) as Manifest;
    const dependencies = { ...manifest.dependencies, ...overrides[name] };
    versions[manifest.version] = { ...manifest, dependencies, dist: { tarball: `${url}/-/${folder}.tgz` } };
  }
  return { name, 'dist-tags': { latest: Object.keys(versions).at(-1) }, versions };
}

/** Not compressed: npm reads both, and that took most of the time. */
async function tarball(folder: string): Promise<Buffer> {
  const args = [
    '-c',
    '--exclude=node_modules',
    '--transform=s,^\\.,package,',
    '-C',
    path.join(ROOT, folder),
    '.',
  ];
  const { stdout } = await run('tar', args, { encoding: 'buffer', maxBuffer: 100 * 1_048_576 });
  return stdout;
}

export async function startRegistry(): Promise<Registry> {
  const folders = await installed();
  const known = new Set([...folders.values()].flat());
  const answer = async (asked: string, res: ServerResponse): Promise<void> => {
    const [, folder] = /^-\/(.*)\.tgz$/.exec(asked) ?? [];
    if (folder !== undefined && known.has(folder)) res.end(await tarball(folder));
    else if (folders.has(asked))
      res.end(JSON.stringify(await documentOf(asked, folders.get(asked) ?? [], url)));
    // An optional package that is not installed here.
    else res.writeHead(404).end('{}');
  };
  const server = createServer((req, res) => {
    answer(decodeURIComponent(req.url ?? '').slice(1), res).catch(() => res.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    stop: async () => {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
