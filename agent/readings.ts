/** Readings that a platform takes from its device. */
import type { BuildId, Sha256 } from '../controller/domain/ids.ts';

/** Present conditions of the device. `undefined`: could not be read, which counts as "not now". */
export interface Conditions {
  /** On a validated, unmetered Wi-Fi or Ethernet network. */
  readonly unmeteredWifi: boolean | undefined;
  /** 0–100. */
  readonly batteryPercent: number | undefined;
  readonly charging: boolean | undefined;
  /** A call is ringing or going on, on any SIM. */
  readonly inCall: boolean | undefined;
}

/** Nothing could be read. */
export const UNKNOWN_CONDITIONS: Conditions = {
  unmeteredWifi: undefined,
  batteryPercent: undefined,
  charging: undefined,
  inCall: undefined,
};

/** The agent package as the device runs it. A `versionCode` of 0 means that it is not installed. */
export interface Installed {
  readonly package: string;
  readonly versionCode: number;
  readonly sdk: number;
  /** The build id, if the package contains it. */
  readonly buildId: BuildId | undefined;
  /** SHA-256 of the installed APK's signing certificate; undefined if it could not be read. */
  readonly signer: Sha256 | undefined;
}

/** `code` is Android's `INSTALL_…` constant, or `no_answer` if the package manager gave no usable answer. */
export type InstallResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: string; readonly detail: string };
