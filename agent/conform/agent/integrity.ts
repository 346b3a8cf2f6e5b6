/** APKs that must never be installed, and hosts that must never get the token. */

import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import { withForeignServer } from './foreign-server.ts';
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

export const INTEGRITY: readonly AgentCheck[] = [
  {
    name: 'refuses_a_wrong_sha256',
    clause: 'bytes that differ from the manifest are not installed',
    catches: 'skips_sha256',
    run: refusing(['fail/sha256_mismatch'], b => b.build(42), { sha256: '0'.repeat(64) }),
  },
  {
    name: 'refuses_a_broken_signature',
    clause: 'the APK’s own signature must be valid',
    catches: 'skips_the_signature',
    run: refusing(['fail/signature_invalid'], b => b.build(42, { apk: flipped(b.kit.v42, 40) })),
  },
  {
    name: 'refuses_another_signer_than_announced',
    clause: 'the signer must match the manifest',
    catches: 'skips_the_announced_signer',
    run: async bench => {
      bench.server.offer = bench.build(42, { signer: bench.kit.foreignSigner });
      await bench.start();
      await bench.refuses('fail/signer_mismatch');
    },
  },
  {
    name: 'refuses_another_signer_than_installed',
    clause: 'the signer must match or succeed that of the installed agent, whatever the manifest says',
    catches: 'skips_the_installed_signer',
    run: refusing(['fail/signer_mismatch'], b =>
      b.build(42, { apk: b.kit.foreign, signer: b.kit.foreignSigner }),
    ),
  },
  {
    name: 'refuses_another_package',
    clause: 'the package name must match the installed agent',
    catches: 'skips_the_package',
    run: refusing(['fail/package_mismatch'], b => b.build(42, { apk: b.kit.otherPackage })),
  },
  {
    name: 'refuses_another_version_than_announced',
    clause: 'the APK’s version_code must be the manifest’s',
    catches: 'skips_the_version',
    run: refusing(['fail/version_mismatch'], b => b.build(42, { apk: b.kit.v43 })),
  },
  {
    name: 'refuses_an_incomplete_manifest',
    clause: 'a manifest that lacks a field is refused',
    catches: 'guesses_missing_fields',
    run: refusing(['fail/manifest_invalid'], b => b.build(42), { min_battery_percent: undefined }),
  },
  {
    name: 'refuses_an_unknown_field',
    clause: 'a manifest with an unknown field is refused',
    catches: 'takes_unknown_fields',
    run: refusing(['fail/manifest_invalid'], b => b.build(42), { delta_url: 'https://example.com/' }),
  },
  {
    name: 'refuses_a_url_elsewhere',
    clause: 'the APK comes from the controller’s origin, and the token goes nowhere else',
    catches: 'goes_to_any_host',
    run: bench =>
      withForeignServer(bench.kit.v42, async (origin, seen) => {
        await refusing(['fail/url_refused'], b => b.build(42), { url: `${origin}/a.apk` })(bench);
        must(seen.length === 0, `another host was asked ${seen[0]}`);
      }),
  },
  {
    name: 'refuses_a_redirect_elsewhere',
    clause: 'a redirect to another host is not followed, with or without the token',
    catches: 'follows_any_redirect',
    run: bench =>
      withForeignServer(bench.kit.v42, async (origin, seen) => {
        bench.server.onApk = (_, response) => response.writeHead(302, { location: `${origin}/a.apk` }).end();
        await refusing([], b => b.build(42))(bench);
        must(seen.length === 0, `another host was asked ${seen[0]}`);
      }),
  },
  {
    name: 'ends_a_redirect_loop',
    clause: 'a redirect loop is not followed for ever',
    catches: 'follows_for_ever',
    run: async bench => {
      bench.server.onApk = (seen, response) => response.writeHead(307, { location: seen.path }).end();
      bench.server.offer = bench.build(42);
      await bench.start();
      const ended = () => bench.finals().length > 0 || bench.server.downloads().length > MANY_REDIRECTS;
      await bench.until('an end of the redirects', ended);
      const asked = bench.server.downloads().length;
      must(asked <= MANY_REDIRECTS, `it followed ${asked} redirects`);
      if (asked > 1) bench.warn('it followed a redirect of a download; the next minor version forbids it');
      await bench.stays();
    },
  },
  {
    name: 'refuses_an_unforced_downgrade',
    clause: 'an older version needs force_downgrade',
    catches: 'goes_back_unasked',
    run: async bench => {
      bench.server.offer = bench.build(40);
      await bench.start();
      await bench.until('a check', () => bench.server.checks().length > 0);
      await bench.quiet();
      must(!bench.finals().some(r => r.outcome === 'ok'), 'it downgraded without force_downgrade');
      await bench.stays();
    },
  },
  {
    name: 'follows_a_forced_downgrade',
    clause: 'force_downgrade by the same signer is followed',
    catches: 'never_goes_back',
    run: async bench => {
      bench.server.offer = bench.build(40);
      bench.server.manifest = { force_downgrade: true };
      await bench.start();
      await bench.installs(40);
    },
  },
  {
    name: 'takes_no_lineage_from_the_manifest',
    clause: 'a signer_lineage that only the manifest claims proves nothing',
    catches: 'trusts_the_manifests_lineage',
    run: async bench => {
      const { kit, server } = bench;
      server.offer = bench.build(42, { apk: kit.foreign, signer: kit.foreignSigner });
      server.manifest = { signer_lineage: [kit.signer] };
      await bench.start();
      await bench.until('a report of fail/signer_mismatch', () => bench.finals().length > 0);
      must(server.checks().length === 1, 'it asked for confirmation of an APK that it should have refused');
      await bench.refuses('fail/signer_mismatch');
    },
  },
  {
    name: 'refuses_values_of_another_type',
    clause: 'a manifest with a number in quotes is refused',
    catches: 'takes_numbers_in_quotes',
    run: refusing(['fail/manifest_invalid'], b => b.build(42), { min_battery_percent: '30' }),
  },
  {
    name: 'respects_min_sdk',
    clause: 'an APK for a newer Android is not installed',
    catches: 'ignores_min_sdk',
    run: async bench => {
      bench.server.offer = bench.build(42);
      await bench.start({ sdk: 25 });
      await bench.refuses('fail/incompatible_sdk');
    },
  },
];
