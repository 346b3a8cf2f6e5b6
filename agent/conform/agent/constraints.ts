/** When an agent may install: Wi-Fi, battery, calls, and unreadable conditions. */

import { must } from '../finding.ts';
import type { Bench } from './bench.ts';
import type { AgentCheck } from './check.ts';
import type { SetupConditions } from './under-test.ts';

/** The agent must download nothing under `bad` and complete the install after `good`. */
const waits =
  (bad: Partial<SetupConditions>, good: Partial<SetupConditions>) =>
  async (bench: Bench): Promise<void> => {
    bench.server.offer = bench.build(42);
    await bench.start({ conditions: bad });
    await bench.until('a check', () => bench.server.checks().length > 0);
    await bench.quiet();
    must(bench.server.downloads().length === 0, `it downloaded under ${JSON.stringify(bad)}`);
    bench.tell({ conditions: good });
    await bench.installs(42);
  };

const overrules =
  (conditions: Partial<SetupConditions>, manifest: Record<string, unknown>) =>
  async (bench: Bench): Promise<void> => {
    bench.server.offer = bench.build(42);
    bench.server.manifest = manifest;
    await bench.start({ conditions });
    await bench.installs(42);
  };

export const CONSTRAINTS: readonly AgentCheck[] = [
  {
    name: 'waits_for_wifi',
    clause: 'wifi_only waits for unmetered Wi-Fi',
    catches: 'ignores_wifi',
    run: waits({ unmetered_wifi: false }, { unmetered_wifi: true }),
  },
  {
    name: 'waits_for_battery',
    clause: 'under min_battery_percent and not charging it waits',
    catches: 'ignores_battery',
    run: waits({ battery_percent: 29 }, { battery_percent: 30 }),
  },
  {
    name: 'counts_charging_as_power',
    clause: 'a charging device may install at any battery level',
    catches: 'ignores_charging',
    run: overrules({ battery_percent: 3, charging: true }, {}),
  },
  {
    name: 'waits_for_the_end_of_a_call',
    clause: 'during a call it waits',
    catches: 'ignores_calls_that_go_on',
    run: waits({ in_call: true }, { in_call: false }),
  },
  {
    name: 'waits_when_conditions_are_unknown',
    clause: 'what cannot be read counts as not now',
    catches: 'takes_unknown_for_good',
    run: waits({ in_call: null }, { in_call: false }),
  },
  {
    name: 'needs_no_wifi_unless_asked',
    clause: 'wifi_only: false installs over any network',
    catches: 'always_wants_wifi',
    run: overrules({ unmetered_wifi: false }, { wifi_only: false }),
  },
  {
    name: 'stops_waiting_for_wifi_at_the_deadline',
    clause: 'must_install with deadline_s overrides Wi-Fi once it has passed',
    catches: 'knows_no_deadline',
    run: async bench => {
      bench.server.offer = bench.build(42);
      bench.server.manifest = { must_install: true, deadline_s: 1 };
      await bench.start({ conditions: { unmetered_wifi: false } });
      await bench.until('a check', () => bench.server.checks().length > 0);
      await new Promise(resolve => setTimeout(resolve, 1_100));
      bench.tell({ poll: true });
      await bench.installs(42);
    },
  },
  {
    name: 'never_overrides_a_call',
    clause: 'must_install overrides neither a call nor the battery',
    catches: 'lets_deadlines_override_calls',
    run: async bench => {
      bench.server.offer = bench.build(42);
      bench.server.manifest = { must_install: true, deadline_s: 0 };
      await bench.start({ conditions: { in_call: true } });
      await bench.until('a check', () => bench.server.checks().length > 0);
      await bench.quiet();
      must(bench.server.downloads().length === 0 && bench.finals().length === 0, 'it went on during a call');
    },
  },
  {
    name: 'rereads_conditions_before_the_install',
    clause: 'conditions are read again right before the install',
    catches: 'looks_only_once',
    run: async bench => {
      const { server } = bench;
      server.offer = bench.build(42);
      server.onApk = (_, response) => {
        bench.tell({ conditions: { in_call: true } });
        setTimeout(
          () => response.writeHead(200, { 'content-length': bench.kit.v42.length }).end(bench.kit.v42),
          50,
        );
      };
      await bench.start();
      await bench.until('a download', () => server.downloads().length > 0);
      await bench.quiet(3);
      must(bench.finals().length === 0, 'it installed during a call that began with the download');
    },
  },
  {
    name: 'never_overrides_the_battery',
    clause: 'must_install does not override the battery',
    catches: 'lets_deadlines_override_the_battery',
    run: async bench => {
      bench.server.offer = bench.build(42);
      bench.server.manifest = { must_install: true, deadline_s: 0 };
      await bench.start({ conditions: { battery_percent: 5 } });
      await bench.until('a check', () => bench.server.checks().length > 0);
      await bench.quiet();
      must(bench.server.downloads().length === 0, 'it went on with an empty battery');
      bench.tell({ conditions: { battery_percent: 80 } });
      await bench.installs(42);
    },
  },
  {
    name: 'waits_for_wifi_before_the_deadline',
    clause: 'must_install waits for Wi-Fi until deadline_s has passed',
    catches: 'lets_must_install_override_wifi',
    run: async bench => {
      bench.server.offer = bench.build(42);
      bench.server.manifest = { must_install: true, deadline_s: 86_400 };
      await bench.start({ conditions: { unmetered_wifi: false }, timeScale: 1 });
      await bench.until('a check', () => bench.server.checks().length > 0);
      await bench.quiet();
      must(bench.server.downloads().length === 0, 'it went on without Wi-Fi before the deadline');
    },
  },
  {
    name: 'stops_a_download_when_wifi_is_lost',
    clause: 'a download that needs Wi-Fi ends when the network is lost, and goes on where it was',
    catches: 'downloads_without_wifi',
    run: async bench => {
      const { server, kit } = bench;
      server.offer = bench.build(42);
      let cut = false;
      server.onApk = (_, response) => {
        server.onApk = undefined;
        response.writeHead(200, { 'content-length': kit.v42.length });
        response.write(kit.v42.subarray(0, 500));
        response.on('close', () => {
          cut = true;
        });
      };
      await bench.start();
      await bench.until('a download', () => server.downloads().length > 0);
      await bench.quiet();
      bench.tell({ conditions: { unmetered_wifi: false } });
      await bench.until('an end of the download after Wi-Fi was lost', () => cut);
      await bench.quiet();
      must(server.downloads().length === 1, 'it went on downloading without Wi-Fi');
      bench.tell({ conditions: { unmetered_wifi: true } });
      await bench.installs(42);
    },
  },
  {
    name: 'reports_each_deferral_once',
    clause: 'each reason to wait is reported once per attempt, as deferred',
    catches: 'hides_its_deferrals',
    run: async bench => {
      const { server } = bench;
      server.offer = bench.build(42);
      await bench.start({ conditions: { unmetered_wifi: false } });
      const deferred = () => server.reports().filter(report => report.outcome === 'deferred');
      await bench.until('a report of deferred/wifi', () => deferred().length > 0);
      bench.tell({ poll: true });
      await bench.quiet();
      const told = deferred().map(report => `${report.reason}`);
      must(told.join() === 'wifi', `it reported deferred ${told.join(', ')}`);
      bench.tell({ conditions: { unmetered_wifi: true } });
      await bench.installs(42);
    },
  },
];
