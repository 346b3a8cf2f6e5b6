/** How an agent downloads: what it resumes, when it stops, and whom it asks before it installs. */
import { must } from './bench.ts';
import type { AgentCheck } from './check.ts';

const PROMISED = 1024 * 1024;

export const DOWNLOAD: readonly AgentCheck[] = [
  {
    name: 'resumes_a_cut_download',
    clause: 'what is there is not downloaded again: Range with If-Range',
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
    clause: '503 with Retry-After is waited for and is no failure, however often',
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
    run: async bench => {
      bench.server.offer = bench.build(42);
      bench.server.onApk = (_, response) => response.writeHead(410).end();
      await bench.start();
      await bench.refuses('skipped/offer_gone');
    },
  },
  {
    name: 'confirms_before_the_install',
    clause: 'after the download it asks again, and an offer that is gone is not installed',
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
    clause: 'install results are told apart by Android’s codes',
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
];
