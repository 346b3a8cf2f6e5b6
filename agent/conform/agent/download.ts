/** How an agent downloads: what it resumes, when it stops, and how it confirms before the install. */

import { type Reported, recordedOf } from '../../../controller/domain/outcome.ts';
import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';

const PROMISED = 1024 * 1024;

/** The confirmation names a different offer than the check before the download. */
const differing =
  (change: (bench: Bench) => void) =>
  async (bench: Bench): Promise<void> => {
    const { server, kit } = bench;
    server.offer = bench.build(42);
    server.onApk = (_, response) => {
      change(bench);
      server.onApk = undefined;
      return response.writeHead(200, { 'content-length': kit.v42.length }).end(kit.v42);
    };
    // What the agent does with the other build afterwards is not part of this check.
    server.onCheck = (_, response) => {
      if (bench.finals().length === 0) return 'default';
      return response.writeHead(204, { etag: '"none"', 'ota-decision': 'suspended' }).end();
    };
    await bench.start();
    await bench.refuses('skipped/superseded');
  };

export const DOWNLOAD: readonly AgentCheck[] = [
  {
    name: 'resumes_a_cut_download',
    clause: 'a partial download is resumed with Range and If-Range',
    catches: 'starts_downloads_over',
    run: async bench => {
      const { server, kit } = bench;
      server.offer = bench.build(42);
      server.onApk = (_, response) => {
        server.onApk = undefined;
        response.writeHead(200, { 'content-length': kit.v42.length });
        response.write(kit.v42.subarray(0, 600), () => setTimeout(() => response.destroy(), 50));
      };
      await bench.start();
      await bench.installs(42);
      const headers = server.downloads()[1]?.headers;
      must(headers?.range === 'bytes=600-', `Range was ${headers?.range}`);
      must(/^"[0-9a-f]{64}"$/.test(String(headers['if-range'])), `If-Range was ${headers['if-range']}`);
    },
  },
  {
    name: 'stops_an_oversized_download',
    clause: 'the first byte beyond size_bytes ends the download',
    catches: 'takes_any_length',
    run: async bench => {
      const { server } = bench;
      server.offer = bench.build(42);
      server.manifest = { size_bytes: PROMISED };
      let sent = 0;
      server.onApk = (_, response) => {
        const chunk = Buffer.alloc(64 * 1024);
        const more = () => {
          while (sent < 12 * PROMISED && !response.destroyed) {
            sent += chunk.length;
            if (!response.write(chunk)) return void response.once('drain', more);
          }
          response.end();
        };
        more();
      };
      await bench.start();
      await bench.refuses('fail/size_mismatch', 'fail/sha256_mismatch');
      must(sent < 10 * PROMISED, `it took ${sent} bytes of ${PROMISED} promised`);
    },
  },
  {
    name: 'waits_while_the_server_is_busy',
    clause: '503 with Retry-After makes it wait and never counts as a failure',
    catches: 'does_not_wait_when_busy',
    run: async bench => {
      const { server } = bench;
      server.offer = bench.build(42);
      let busy = 8;
      const asked: number[] = [];
      server.onApk = (_, response) => {
        asked.push(Date.now());
        return busy-- > 0 ? response.writeHead(503, { 'retry-after': '60' }).end() : 'default';
      };
      await bench.start();
      await bench.installs(42);
      must(!bench.finals().some(r => r.outcome === 'fail'), 'it counted a busy server as a failure');
      const shortest = Math.min(...asked.slice(1, 9).map((at, n) => at - (asked[n] ?? at)));
      must(shortest >= 60_000 / bench.timeScale / 2, `it came back after ${shortest} ms`);
    },
  },
  {
    name: 'lets_go_of_a_build_that_is_gone',
    clause: '410 ends the attempt as skipped, not as a failure',
    catches: 'fails_when_gone',
    run: async bench => {
      bench.server.offer = bench.build(42);
      bench.server.onApk = (_, response) => response.writeHead(410).end();
      await bench.start();
      await bench.refuses('skipped/offer_gone');
    },
  },
  {
    name: 'confirms_before_the_install',
    clause: 'after the download it asks again and does not install an offer that is gone',
    catches: 'installs_without_asking',
    run: async bench => {
      const { server } = bench;
      server.offer = bench.build(42);
      server.onApk = (_, response) => {
        response.on('finish', () => {
          server.offer = undefined;
        });
        return response.writeHead(200, { 'content-length': bench.kit.v42.length }).end(bench.kit.v42);
      };
      await bench.start();
      await bench.refuses('skipped/offer_gone');
    },
  },
  {
    name: 'pauses_after_repeated_failure',
    clause: 'after three failures of one build it does not download it again at once',
    catches: 'never_tires',
    run: async bench => {
      const { server } = bench;
      server.offer = bench.build(42);
      server.manifest = { sha256: '0'.repeat(64) };
      await bench.start();
      for (let n = 0; n < 6; n++) await bench.running();
      const downloads = server.downloads().length;
      must(downloads <= 4, `it downloaded the same broken build ${downloads} times`);
    },
  },
  {
    name: 'reports_why_android_refused',
    clause: 'install results are mapped by Android’s codes',
    catches: 'knows_one_reason',
    run: async bench => {
      bench.server.offer = undefined;
      await bench.start();
      await bench.quiet();
      bench.tell({ fail_install: 'INSTALL_FAILED_INSUFFICIENT_STORAGE' });
      bench.server.offer = bench.build(42);
      bench.tell({ poll: true });
      await bench.refuses('fail/storage');
    },
  },
  {
    name: 'begins_anew_with_a_whole_answer',
    clause: 'a 200 answer to a Range request is the whole APK and replaces the partial file',
    catches: 'appends_a_whole_answer',
    run: async bench => {
      const { server, kit } = bench;
      server.offer = bench.build(42);
      let first = true;
      server.onApk = (_, response) => {
        response.writeHead(200, { 'content-length': kit.v42.length });
        if (!first) return response.end(kit.v42);
        first = false;
        return response.write(kit.v42.subarray(0, 600), () => setTimeout(() => response.destroy(), 50));
      };
      await bench.start();
      await bench.installs(42);
      must(
        !bench.finals().some(report => report.outcome === 'fail'),
        'it appended the whole answer to the partial file',
      );
    },
  },
  {
    name: 'confirms_the_same_build',
    clause: 'a confirmation that names another build ends the attempt as superseded',
    catches: 'installs_another_build_than_confirmed',
    run: differing(bench => {
      bench.server.offer = bench.build(43);
    }),
  },
  {
    name: 'confirms_the_same_bytes',
    clause: 'a confirmation that names another sha256 ends the attempt as superseded',
    catches: 'installs_other_bytes_than_confirmed',
    run: differing(bench => {
      bench.server.manifest = { sha256: '7'.repeat(64) };
    }),
  },
  {
    name: 'fails_for_a_failure',
    clause: 'fail is reported only with failure reasons',
    catches: 'fails_for_wifi',
    run: reports(bench => {
      bench.server.manifest = { sha256: '0'.repeat(64) };
    }),
  },
  {
    name: 'ok_says_installed',
    clause: 'ok is reported only with the reason installed',
    catches: 'says_ok_for_wifi',
    run: reports(),
  },
  {
    name: 'ok_names_the_new_version',
    clause: 'ok carries the version_code of the build that now runs',
    catches: 'says_ok_with_the_old_version',
    run: reports(),
  },
];

/** The report of an attempt must not contradict itself. */
function reports(prepare: (bench: Bench) => void = () => undefined): AgentCheck['run'] {
  return async bench => {
    const { server } = bench;
    server.offer = bench.build(42);
    prepare(bench);
    await bench.start();
    await bench.until('a final report', () => bench.finals().length > 0);
    for (const report of server.reports()) {
      const { outcome, reason, version_code: versionCode } = report;
      const { note } = recordedOf({ outcome, reason, versionCode } as Reported, 42);
      must(note === undefined, `it contradicts itself: ${note}`);
    }
  };
}
