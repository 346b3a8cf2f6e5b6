/** When an agent may install: Wi-Fi, battery, calls, and what cannot be read. */
import { type Bench, must, type SetupConditions } from './bench.ts';
import type { AgentCheck } from './check.ts';

/** Nothing is downloaded under `bad`; everything is done once `good` is told. */
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
    run: waits({ unmetered_wifi: false }, { unmetered_wifi: true }),
  },
  {
    name: 'waits_for_battery',
    clause: 'under min_battery_percent and not charging it waits',
    run: waits({ battery_percent: 29 }, { battery_percent: 30 }),
  },
  {
    name: 'counts_charging_as_power',
    clause: 'charging stands in for the battery’s level',
    run: overrules({ battery_percent: 3, charging: true }, {}),
  },
  {
    name: 'waits_for_the_end_of_a_call',
    clause: 'during a call it waits',
    run: waits({ in_call: true }, { in_call: false }),
  },
  {
    name: 'waits_when_conditions_are_unknown',
    clause: 'what cannot be read counts as not now',
    run: waits({ in_call: null }, { in_call: false }),
  },
  {
    name: 'needs_no_wifi_unless_asked',
    clause: 'wifi_only: false installs over any network',
    run: overrules({ unmetered_wifi: false }, { wifi_only: false }),
  },
  {
    name: 'stops_waiting_for_wifi_at_the_deadline',
    clause: 'must_install with deadline_s overrides Wi-Fi once it has passed',
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
];
