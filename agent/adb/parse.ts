/**
 * Parsers for `dumpsys`. Its text is meant for people, differs by version and vendor, and may be cut short, so anything
 * unclear is `undefined`. Sources: AOSP frameworks/base BatteryService.dump,
 * TelephonyRegistry.dump, ConnectivityService.dump, and PackageManagerService's Settings.dumpPackagesLPr.
 */

import { installCodeOfNumber } from './install-numbers.ts';

export interface Battery {
  readonly percent: number | undefined;
  readonly charging: boolean | undefined;
}

/** Some vendors append a log of earlier broadcasts with a second `level:`. */
const LOG_HEADER = /^\s*\[|event\s*log|battery (events|history)/i;
const DISCHARGING = 3;
const NOT_CHARGING = 4;
const CHARGING = new Set([2, 5]);

/** `dumpsys battery`. A device without a battery is on mains power and counts as charging. */
export function parseBattery(text: string): Battery {
  const fields = batteryFields(text);
  const number = (name: string): number | undefined => {
    const value = fields.get(name);
    return value !== undefined && /^-?\d+$/.test(value) ? Number(value) : undefined;
  };
  const level = number('level');
  const scale = number('scale') ?? 100;
  const percent =
    level !== undefined && scale > 0 && level >= 0 && level <= scale
      ? Math.floor((level * 100) / scale)
      : undefined;
  const sources = ['ac powered', 'usb powered', 'wireless powered', 'dock powered'].map(name =>
    fields.get(name),
  );
  const powered = sources.includes('true') ? true : sources.includes('false') ? false : undefined;
  return {
    percent,
    charging: fields.get('present') === 'false' ? true : chargingOf(number('status'), powered),
  };
}

/** Plugged in is not enough: on a weak port the battery still drains. Status: BatteryManager.BATTERY_STATUS_*. */
function chargingOf(status: number | undefined, powered: boolean | undefined): boolean | undefined {
  if (status !== undefined && CHARGING.has(status)) return true;
  if (status === DISCHARGING) return false;
  if (status === NOT_CHARGING) return powered ?? false;
  return powered;
}

/** The first of each name counts. */
function batteryFields(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex(line => line.includes('Battery Service state'));
  if (start < 0) return fields;
  for (const line of lines.slice(start + 1)) {
    if (LOG_HEADER.test(line)) break;
    const [, name, value] = /^\s*([A-Za-z][A-Za-z ]*?)\s*:\s*(\S+)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined && !fields.has(name.toLowerCase()))
      fields.set(name.toLowerCase(), value);
  }
  return fields;
}

/** `dumpsys telephony.registry`: one `mCallState` a SIM (0 idle, 1 ringing, 2 off hook); the highest counts. */
export function parseCallState(text: string): boolean | undefined {
  const states = [...text.matchAll(/\bmCallState=(\d+)/g)].map(match => Number(match[1]));
  return states.length === 0 || dumpFailed(text) ? undefined : Math.max(...states) > 0;
}

/** `dumpsys connectivity`: whether the default network is validated, unmetered Wi-Fi or Ethernet. */
export function parseUnmeteredWifi(text: string): boolean | undefined {
  const active = /Active default network:\s*(none|\d+)/.exec(text)?.[1];
  if (active === undefined) return undefined;
  if (active === 'none') return false;
  const agent = text
    .split('NetworkAgentInfo')
    .find(part => new RegExp(`\\bnetwork\\{${active}\\}`).test(part));
  const [, transports, capabilities] =
    /Transports:\s*(\S+)\s+Capabilities:\s*([A-Z_&0-9]+)/.exec(agent ?? '') ?? [];
  if (transports === undefined || capabilities === undefined) return undefined;
  const carried = transports.split('|');
  const able = new Set(capabilities.split('&'));
  const cheap = (carried.includes('WIFI') || carried.includes('ETHERNET')) && !carried.includes('CELLULAR');
  return cheap && able.has('NOT_METERED') && able.has('VALIDATED');
}

/** `dumpsys package NAME`: the version that runs, not the one a system image keeps hidden beneath it; 0 when not installed. */
export function parseVersionCode(text: string, name: string): number | undefined {
  if (new RegExp(`Unable to find package: ${literal(name)}`).test(text)) return 0;
  const [visible = ''] = text.split('Hidden system packages:');
  const [, block] = new RegExp(`Package \\[${literal(name)}\\][^\\n]*\\n([\\s\\S]*)`).exec(visible) ?? [];
  const code = /\bversionCode=(\d+)/.exec(block ?? '')?.[1];
  if (code !== undefined) return uninstalledForAll(block ?? '') ? 0 : Number(code);
  return block === undefined && /^Packages:/m.test(visible) ? 0 : undefined;
}

/** `pm uninstall -k --user 0` leaves the package there, with `installed=false` for the user. */
function uninstalledForAll(block: string): boolean {
  const users = [...block.matchAll(/^\s*User \d+:.*\binstalled=(true|false)\b/gm)].map(match => match[1]);
  return users.length > 0 && !users.includes('true');
}

/** `pm path NAME`: the base APK, with or without splits. */
export function parseBaseApk(text: string): string | undefined {
  const paths = [...text.matchAll(/^package:(\/\S+\.apk)\s*$/gm)].map(match => match[1]);
  return (
    paths.find(path => path?.endsWith('/base.apk') === true) ?? (paths.length === 1 ? paths[0] : undefined)
  );
}

/** `pm list features`: false without a modem, so the device cannot be in a call. Undefined if the text is not a list. */
export function parseHasTelephony(text: string): boolean | undefined {
  if (!/^feature:/m.test(text)) return undefined;
  return /^feature:android\.hardware\.telephony\s*$/m.test(text);
}

/** `pm install`: `Success`, or the failure code; `no_answer` if the package manager gave none. */
export function parseInstall(text: string): { ok: true } | { ok: false; code: string; detail: string } {
  const code = installCodeOf(text);
  const line =
    text.split(/\r?\n/).find(part => /Failure|xception/.test(part)) ?? text.trim().split('\n').at(-1);
  const detail = line?.trim().slice(0, 160) ?? '';
  if (code !== undefined) return { ok: false, code, detail };
  if (/^Success\b/m.test(text)) return { ok: true };
  return { ok: false, code: 'no_answer', detail };
}

/** In this order: a constant, a number, a failure without either, the class of a Java exception. */
function installCodeOf(text: string): string | undefined {
  // Permissions have INSTALL_ in their names too: android.permission.INSTALL_PACKAGES.
  const constant = /(?<![\w.])INSTALL_(?:PARSE_)?FAILED_[A-Z0-9_]+/.exec(text)?.[0];
  if (constant !== undefined) return constant;
  const number = /\bFailure \[(-?\d{1,6})\b/.exec(text)?.[1];
  if (number !== undefined) return installCodeOfNumber(Number(number));
  const exception = /^\s*(?:Error: )?((?:[a-z_]\w*\.)+[A-Z]\w*(?:Exception|Error))\b/m.exec(text)?.[1];
  if (exception !== undefined) return exception.slice(0, 80);
  return /\bFailure\b/.test(text) ? 'failure_unnamed' : undefined;
}

/** True for the text printed instead of a dump. */
export const dumpFailed = (text: string): boolean =>
  text.trim() === '' || /Can't find service|DUMP TIMEOUT|Error dumping service|Permission Denial/.test(text);

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
