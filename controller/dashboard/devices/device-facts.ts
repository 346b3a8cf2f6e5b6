/** Converts a row of the store to the decision's input. */
import type { Device } from '../../domain/decision.ts';
import type { DeviceRow } from '../../ports/index.ts';

export const deviceOf = (row: DeviceRow): Device => ({
  deviceId: row.deviceId,
  tags: row.tags,
  versionCode: row.versionCode ?? 0,
  buildId: row.buildId,
  sdk: row.sdk,
  signer: row.signer,
});

const ANDROID: Readonly<Record<number, string>> = {
  21: '5.0',
  22: '5.1',
  23: '6',
  24: '7.0',
  25: '7.1',
  26: '8.0',
  27: '8.1',
  28: '9',
  29: '10',
  30: '11',
  31: '12',
  32: '12L',
  33: '13',
  34: '14',
  35: '15',
  36: '16',
};

/** `13` for SDK 33; undefined for an unknown SDK. */
export const androidOf = (sdk: number): string | undefined => ANDROID[sdk];
