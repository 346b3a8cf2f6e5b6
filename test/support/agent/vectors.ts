/** The agent's vectors: constraints, install codes, penalties, and URLs it may fetch from. */
import { type DeferReason, unmetConstraints } from '../../../agent/constraints.ts';
import { urlRefusal } from '../../../agent/http/origin.ts';
import { knownInstallCodes, reasonForInstallCode } from '../../../agent/install-codes.ts';
import { penaltyMs } from '../../../agent/penalty.ts';
import type { Conditions } from '../../../agent/readings.ts';

interface ConstraintCase {
  readonly name: string;
  readonly wifi_only: boolean;
  readonly must_install: boolean;
  readonly deadline_s: number | null;
  readonly min_battery_percent: number;
  readonly seconds_since_first_sight: number;
  readonly unmetered_wifi: boolean | null;
  readonly battery_percent: number | null;
  readonly charging: boolean | null;
  readonly in_call: boolean | null;
}

const base: ConstraintCase = {
  name: 'all is well',
  wifi_only: true,
  must_install: false,
  deadline_s: null,
  min_battery_percent: 30,
  seconds_since_first_sight: 0,
  unmetered_wifi: true,
  battery_percent: 80,
  charging: false,
  in_call: false,
};
const late = { must_install: true, deadline_s: 3600, seconds_since_first_sight: 3600 };

const CASES: readonly ConstraintCase[] = [
  base,
  { ...base, name: 'no Wi-Fi', unmetered_wifi: false },
  { ...base, name: 'Wi-Fi unknown', unmetered_wifi: null },
  { ...base, name: 'no Wi-Fi, and none is needed', unmetered_wifi: false, wifi_only: false },
  { ...base, name: 'Wi-Fi unknown, and none is needed', unmetered_wifi: null, wifi_only: false },
  { ...base, name: 'battery at the threshold', battery_percent: 30 },
  { ...base, name: 'battery below the threshold', battery_percent: 29 },
  { ...base, name: 'battery low, charging', battery_percent: 1, charging: true },
  { ...base, name: 'battery low, charging unknown', battery_percent: 29, charging: null },
  { ...base, name: 'battery unknown, charging', battery_percent: null, charging: true },
  { ...base, name: 'battery unknown, not charging', battery_percent: null },
  { ...base, name: 'no threshold and an unknown battery', battery_percent: null, min_battery_percent: 0 },
  { ...base, name: 'in a call', in_call: true },
  { ...base, name: 'call unknown', in_call: null },
  {
    ...base,
    name: 'nothing can be read',
    unmetered_wifi: null,
    battery_percent: null,
    charging: null,
    in_call: null,
  },
  { ...base, name: 'deadline passed, no Wi-Fi', unmetered_wifi: false, ...late },
  { ...base, name: 'deadline passed, Wi-Fi unknown', unmetered_wifi: null, ...late },
  {
    ...base,
    name: 'deadline not yet passed',
    unmetered_wifi: false,
    ...late,
    seconds_since_first_sight: 3599,
  },
  { ...base, name: 'deadline without must_install', unmetered_wifi: false, ...late, must_install: false },
  {
    ...base,
    name: 'must_install without a deadline',
    unmetered_wifi: false,
    must_install: true,
    seconds_since_first_sight: 1e6,
  },
  { ...base, name: 'deadline passed, in a call', in_call: true, ...late },
  { ...base, name: 'deadline passed, battery low', battery_percent: 5, ...late },
];

function waitsFor(given: ConstraintCase): DeferReason[] {
  const conditions: Conditions = {
    unmeteredWifi: given.unmetered_wifi ?? undefined,
    batteryPercent: given.battery_percent ?? undefined,
    charging: given.charging ?? undefined,
    inCall: given.in_call ?? undefined,
  };
  const limits = {
    wifiOnly: given.wifi_only,
    mustInstall: given.must_install,
    deadlineMs: given.deadline_s === null ? undefined : given.deadline_s * 1000,
    minBatteryPercent: given.min_battery_percent,
  };
  return unmetConstraints(limits, 0, conditions, given.seconds_since_first_sight * 1000).map(
    unmet => unmet.reason,
  );
}

const CONTROLLER = 'https://ota.example.com/';
const URLS = [
  'https://ota.example.com/v1/agent/builds/b42/apk',
  'http://ota.example.com/v1/agent/builds/b42/apk',
  'https://ota.example.com:8443/a.apk',
  'https://evil.example.com/a.apk',
  'https://ota.example.com.evil.example/a.apk',
  'https://user:secret@ota.example.com/a.apk',
  'https://OTA.example.com/a.apk',
  'file:///etc/passwd',
  '/v1/agent/builds/b42/apk',
];

export const agentVectors = () => ({
  format: 'nexmdm-ota vectors v1',
  kind: 'agent',
  constraints: CASES.map(given => ({ ...given, waits_for: waitsFor(given) })),
  install_codes: [
    ...knownInstallCodes(),
    ['INSTALL_FAILED_OF_SOME_VENDOR', reasonForInstallCode('INSTALL_FAILED_OF_SOME_VENDOR')],
  ].map(([code, reason]) => ({ code, reason })),
  penalties: [1, 2, 3, 4, 5, 6, 20].map(failures => ({ failures, pause_s: penaltyMs(failures) / 1000 })),
  urls: URLS.map(url => ({
    controller: CONTROLLER,
    url,
    allowed: urlRefusal(url, new URL(CONTROLLER)) === undefined,
  })),
});
