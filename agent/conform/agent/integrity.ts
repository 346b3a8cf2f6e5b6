/** What must never be installed, and where a token must never go. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Bench, must } from './bench.ts';
import type { AgentCheck } from './check.ts';
import type { ServedBuild } from './scripted-controller.ts';

const MANY_REDIRECTS = 100;

const refusing =
  (
    results: readonly string[],
    offer: (bench: Bench) => ServedBuild,
    manifest: Record<string, unknown> = {},
  ) =>
  async (bench: Bench): Promise<void> => {
    bench.server.offer = offer(bench);
    bench.server.manifest = manifest;
    await bench.start();
    await bench.refuses(...results);
  };

const flipped = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

/** Runs with a server of somebody else's, and the requests that reached it. */
async function withStranger(
  apk: Buffer,
  run: (origin: string, seen: string[]) => Promise<void>,
): Promise<void> {
  const seen: string[] = [];
  const stranger = createServer((request, response) => {
    seen.push(request.headers.authorization === undefined ? 'without a token' : 'with the token');
    response.end(apk);
  });
  await new Promise<void>(resolve => stranger.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}`, seen);
  } finally {
    stranger.closeAllConnections();
    await new Promise(resolve => stranger.close(resolve));
  }
}

export const INTEGRITY: readonly AgentCheck[] = [
  {
    name: 'refuses_a_wrong_sha256',
    clause: 'bytes that are not those of the manifest are not installed',
    run: refusing(['fail/sha256_mismatch'], b => b.build(42), { sha256: '0'.repeat(64) }),
  },
  {
    name: 'refuses_a_broken_signature',
    clause: 'the APK’s own signature must hold over its bytes',
    run: refusing(['fail/signature_invalid'], b => b.build(42, { apk: flipped(b.kit.v42, 40) })),
  },
  {
    name: 'refuses_another_signer_than_announced',
    clause: 'the signer must be that of the manifest',
    run: async bench => {
      bench.server.offer = bench.build(42, { signer: bench.kit.foreignSigner });
      await bench.start();
      await bench.refuses('fail/signer_mismatch');
    },
  },
  {
    name: 'refuses_another_signer_than_installed',
    clause: 'the signer must continue that of the installed agent, whatever the manifest says',
    run: refusing(['fail/signer_mismatch'], b =>
      b.build(42, { apk: b.kit.foreign, signer: b.kit.foreignSigner }),
    ),
  },
  {
    name: 'refuses_another_package',
    clause: 'the APK must be of the agent’s package',
    run: refusing(['fail/package_mismatch'], b => b.build(42, { apk: b.kit.otherPackage })),
  },
  {
    name: 'refuses_another_version_than_announced',
    clause: 'the APK’s version_code must be the manifest’s',
    run: refusing(['fail/version_mismatch'], b => b.build(42, { apk: b.kit.v43 })),
  },
  {
    name: 'refuses_an_incomplete_manifest',
    clause: 'a manifest without a field is none',
    run: refusing(['fail/manifest_invalid'], b => b.build(42), { min_battery_percent: undefined }),
  },
  {
    name: 'refuses_an_unknown_field',
    clause: 'a manifest with a field more is none',
    run: refusing(['fail/manifest_invalid'], b => b.build(42), { delta_url: 'https://example.com/' }),
  },
  {
    name: 'refuses_a_url_elsewhere',
    clause: 'the APK comes from the controller’s origin, and the token goes nowhere else',
    run: bench =>
      withStranger(bench.kit.v42, async (origin, seen) => {
        await refusing(['fail/url_refused'], b => b.build(42), { url: `${origin}/a.apk` })(bench);
        must(seen.length === 0, `another host was asked ${seen[0]}`);
      }),
  },
  {
    name: 'refuses_a_redirect_elsewhere',
    clause: 'a redirect to another host is not followed, with or without the token',
    run: bench =>
      withStranger(bench.kit.v42, async (origin, seen) => {
        bench.server.onApk = (_, response) => response.writeHead(302, { location: `${origin}/a.apk` }).end();
        await refusing([], b => b.build(42))(bench);
        must(seen.length === 0, `another host was asked ${seen[0]}`);
      }),
  },
  {
    name: 'ends_a_redirect_loop',
    clause: 'redirects end',
    run: async bench => {
      bench.server.onApk = (seen, response) => response.writeHead(307, { location: seen.path }).end();
      bench.server.offer = bench.build(42);
      await bench.start();
      const ended = () => bench.finals().length > 0 || bench.server.downloads().length > MANY_REDIRECTS;
      await bench.until('an end of the redirects', ended);
      const asked = bench.server.downloads().length;
      must(asked <= MANY_REDIRECTS, `it followed ${asked} redirects`);
      await bench.stays();
    },
  },
  {
    name: 'refuses_an_unforced_downgrade',
    clause: 'an older version needs force_downgrade',
    run: async bench => {
      bench.server.offer = bench.build(40);
      await bench.start();
      await bench.until('a check', () => bench.server.checks().length > 0);
      await bench.quiet();
      must(!bench.finals().some(r => r.outcome === 'ok'), 'it went back without being forced');
      await bench.stays();
    },
  },
  {
    name: 'follows_a_forced_downgrade',
    clause: 'force_downgrade by the same signer is followed',
    run: async bench => {
      bench.server.offer = bench.build(40);
      bench.server.manifest = { force_downgrade: true };
      await bench.start();
      await bench.installs(40);
    },
  },
];
