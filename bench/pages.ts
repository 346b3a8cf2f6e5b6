/** The pages with a very large fleet: how fast the first one comes, how much it weighs, and what open ones cost checks. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { BenchEnvironment } from './environment.ts';
import { makeFleet, type RunningController, startController } from './fleet.ts';
import { type Loader, type Measured, median, rounded } from './load.ts';
import type { Cores } from './pinned.ts';

interface CheckFigure {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly cpuMicroseconds: number | undefined;
}

export interface PageFigures {
  readonly devices: number;
  /** The very first request for *Now*, and the median of those after it. */
  readonly firstMs: number;
  readonly nowMs: number;
  /** *Now* and all its assets, as they go over the wire to a browser. */
  readonly firstViewBytes: number;
  /** A page of devices whose id begins with three given digits. */
  readonly prefixSearchMs: number;
  readonly openPages: number;
  /** How often they asked for *Now* while checks were measured. */
  readonly refreshes: number;
  /** Update checks at a fixed rate, without any open page and with them. */
  readonly checksPerSecond: number;
  readonly without: CheckFigure;
  readonly with: CheckFigure;
}

const ASKING = 20_000;

export interface PagePlan {
  readonly devices: number;
  readonly openPages: number;
  readonly seconds: number;
  readonly rate: number;
}

export async function benchPages(
  environment: BenchEnvironment,
  cores: Cores | undefined,
  loader: Loader,
  plan: PagePlan,
): Promise<PageFigures> {
  const { devices, openPages, rate, seconds } = plan;
  const fleet = await makeFleet(path.join(environment.folder, 'pages'), { devices, withTokens: ASKING });
  const targets = path.join(fleet.folder, 'checks.tsv');
  const query = 'version_code=41&build_id=b41&sdk=33';
  const lines = fleet.devices.map(({ token }) => `/v1/agent/update?${query}\t${token}\t`);
  writeFileSync(targets, `${lines.join('\n')}\n`);
  const server = await startController(environment, fleet, cores?.server, {
    OTA_CHECKS_PER_MINUTE: '100000',
  });
  try {
    const cookie = await signIn(server, path.join(fleet.folder, 'data', 'admin-token'));
    const first = await ask(server, '/', cookie);
    const firstViewBytes = first.text.length + (await weightOfAssets(server, first.text));
    const again = await times(9, () => ask(server, '/', cookie));
    const searches = await times(15, n =>
      ask(server, `/devices?q=${(n * 273).toString(16).padStart(3, '0')}`, cookie),
    );
    const run = () => loader.run(server, { targets, seconds, connections: 64, rate });
    await run();
    const without = figureOf(await run());
    const pages = await openAll(server, cookie, openPages);
    const withPages = figureOf(await run());
    return {
      devices,
      firstMs: rounded(first.ms, 1),
      nowMs: rounded(again, 1),
      firstViewBytes,
      prefixSearchMs: rounded(searches, 1),
      openPages,
      refreshes: await pages.close(),
      checksPerSecond: rate,
      without,
      with: withPages,
    };
  } finally {
    await server.stop();
  }
}

const figureOf = ({ p50Ms, p95Ms, cpuSeconds, requests }: Measured): CheckFigure => ({
  p50Ms: rounded(p50Ms),
  p95Ms: rounded(p95Ms),
  cpuMicroseconds: cpuSeconds === undefined ? undefined : rounded((cpuSeconds * 1e6) / requests, 0),
});

async function signIn({ url }: RunningController, tokenFile: string): Promise<string> {
  const answer = await fetch(`${url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: url, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token: readFileSync(tokenFile, 'utf8').trim(), next: '/' }).toString(),
  });
  const cookie = answer.headers.get('set-cookie')?.split(';')[0];
  if (answer.status !== 303 || cookie === undefined) throw new Error(`signing in answered ${answer.status}`);
  return cookie;
}

async function ask({ url }: RunningController, target: string, cookie: string) {
  const startedMs = performance.now();
  const answer = await fetch(url + target, { headers: { cookie }, redirect: 'manual' });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${target} answered ${answer.status}`);
  return { text, ms: performance.now() - startedMs };
}

async function times(count: number, work: (n: number) => Promise<{ ms: number }>): Promise<number> {
  const all: number[] = [];
  for (let n = 0; n < count; n += 1) all.push((await work(n)).ms);
  return median(all);
}

/** Compressed, as browsers request them. */
async function weightOfAssets({ url }: RunningController, page: string): Promise<number> {
  let bytes = 0;
  for (const [, name = ''] of page.matchAll(/"(\/assets\/[\w.-]+)"/g)) {
    const answer = await fetch(url + name, { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } });
    bytes += Number(answer.headers.get('content-length'));
  }
  return bytes;
}

/** Like browsers: each keeps a stream open and requests the page again after an event. */
async function openAll(
  server: RunningController,
  cookie: string,
  count: number,
): Promise<{ close(): Promise<number> }> {
  const end = new AbortController();
  let refreshes = 0;
  const pages = Array.from({ length: count }, async () => {
    const live = await fetch(`${server.url}/live`, { headers: { cookie }, signal: end.signal });
    if (live.status !== 200 || live.body === null) throw new Error(`/live answered ${live.status}`);
    for await (const piece of live.body)
      if (Buffer.from(piece).includes('event: version')) {
        await ask(server, '/', cookie);
        refreshes += 1;
      }
  }).map(page =>
    page.catch((error: unknown) => {
      if (!end.signal.aborted) throw error;
    }),
  );
  return {
    close: async () => {
      end.abort();
      await Promise.all(pages);
      return refreshes;
    },
  };
}

export const renderPages = (pages: PageFigures): string =>
  [
    `pages with ${pages.devices.toLocaleString('en')} devices: Now ${pages.firstMs} ms at first, then ${pages.nowMs} ms, ${Math.round(pages.firstViewBytes / 1000)} kB with its assets; search by prefix ${pages.prefixSearchMs} ms`,
    `checks at ${pages.checksPerSecond}/s: p50 ${pages.without.p50Ms}, p95 ${pages.without.p95Ms} ms, ${pages.without.cpuMicroseconds ?? '–'} µs CPU; with ${pages.openPages} open pages (${pages.refreshes} refreshes): p50 ${pages.with.p50Ms}, p95 ${pages.with.p95Ms} ms, ${pages.with.cpuMicroseconds ?? '–'} µs CPU in all`,
  ].join('\n');
