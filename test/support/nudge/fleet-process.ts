/**
 * Many agents in a process of their own, over real HTTP. Takes JSON lines: first `{url, devices}`, then
 * `{push, device_id}` as the push service delivers it, and `{stop: true}`. Prints `ready` once every agent has checked
 * and registered its push token, and for each nudge when it came and when the first byte of the APK was there.
 */
import { subscribe } from 'node:diagnostics_channel';
import { createInterface } from 'node:readline';
import { Fleet } from '../../../agent/fleet/fleet.ts';
import type { Enrolled } from '../controller.ts';

interface Start {
  readonly url: string;
  readonly signer: string;
  readonly devices: readonly Enrolled[];
}

const say = (line: unknown) => void process.stdout.write(`${JSON.stringify(line)}\n`);
const received = new Map<string, number>();

/** What undici publishes of a request; its headers are a flat list of names and values. */
interface Published {
  readonly request: { readonly path: string; readonly headers: readonly string[] };
}

subscribe('undici:request:bodyChunkReceived', message => {
  const { request } = message as Published;
  if (!request.path.endsWith('/apk')) return;
  const requestId = request.headers[request.headers.indexOf('ota-request-id') + 1] ?? '';
  const receivedMs = received.get(requestId);
  if (receivedMs === undefined) return;
  received.delete(requestId);
  say({ event: 'first_byte', request_id: requestId, received_ms: receivedMs, at_ms: Date.now() });
});

async function start({ url, signer, devices }: Start): Promise<Fleet> {
  const fleet = new Fleet({
    url,
    seed: 1,
    devices: devices.map(d => ({
      deviceId: d.device_id,
      token: d.token,
      nudgeKey: Buffer.from(d.nudge_key, 'base64'),
      pushToken: `push:${d.device_id}`,
      versionCode: 41,
      buildId: 'b41',
      signer,
    })),
  });
  await fleet.start();
  say({ event: 'ready' });
  return fleet;
}

let fleet: Fleet | undefined;
for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text) as Partial<Start> & {
    push?: Record<string, string>;
    device_id?: string;
    stop?: true;
  };
  if (line.devices !== undefined) fleet = await start(line as Start);
  else if (line.push !== undefined) {
    received.set(line.push.request_id ?? '', Date.now());
    fleet?.push(line.device_id ?? '', line.push);
  } else if (line.stop === true) {
    await fleet?.settled();
    say({ event: 'summary', ...fleet?.summary() });
    await fleet?.stop();
    break;
  }
}
process.exit(0);
