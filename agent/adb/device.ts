/** A real device reached by adb from a kiosk or lab host. Unreadable conditions are unknown, and unknown means wait. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signerForSdk, verifyApk } from '../../controller/apk/index.ts';
import { Fault } from '../../controller/domain/fault.ts';
import type { Sha256 } from '../../controller/domain/ids.ts';
import type { ApkFile, Platform } from '../ports.ts';
import type { Conditions, Installed, InstallResult } from '../readings.ts';
import { ApkOnDisk } from '../store/apk-folder.ts';
import {
  type Battery,
  dumpFailed,
  parseBaseApk,
  parseBattery,
  parseCallState,
  parseHasTelephony,
  parseInstall,
  parseUnmeteredWifi,
  parseVersionCode,
} from './parse.ts';
import { type AdbTarget, adb, INSTALL_TIMEOUT_MS, PUSH_TIMEOUT_MS, shell, shellWithErrors } from './shell.ts';

interface AdbOptions extends AdbTarget {
  readonly package: string;
  /** `package/.Service`, started again after an update. */
  readonly service?: string | undefined;
  /** Called with problems other than a failed install. */
  readonly note?: (text: string) => void;
}

const REMOTE_FOLDER = '/data/local/tmp';

export class AdbDevice implements Platform {
  readonly #options: AdbOptions;
  /** The signer of a base.apk by its path, which changes with every update. */
  #signer: { readonly path: string; readonly versionCode: number; readonly signer: Sha256 } | undefined;

  constructor(options: AdbOptions) {
    this.#options = options;
  }

  async conditions(): Promise<Conditions> {
    const battery = await this.#read(['dumpsys', 'battery'], parseBattery);
    return {
      unmeteredWifi: await this.#read(['dumpsys', 'connectivity'], parseUnmeteredWifi),
      batteryPercent: (battery as Battery | undefined)?.percent,
      charging: (battery as Battery | undefined)?.charging,
      inCall: await this.#inCall(),
    };
  }

  /** Undefined if the dump fails; false on a device without a modem. */
  async #inCall(): Promise<boolean | undefined> {
    const state = await this.#read(['dumpsys', 'telephony.registry'], parseCallState);
    if (state !== undefined) return state;
    return (await this.#read(['pm', 'list', 'features'], parseHasTelephony)) === false ? false : undefined;
  }

  async #read<T>(words: readonly string[], parse: (text: string) => T): Promise<T | undefined> {
    try {
      const text = await shell(this.#options, words);
      return dumpFailed(text) ? undefined : parse(text);
    } catch (error) {
      if (error instanceof Fault && error.retry === 'backoff') return undefined;
      throw error;
    }
  }

  async installed(): Promise<Installed> {
    const name = this.#options.package;
    const sdk = Number((await shell(this.#options, ['getprop', 'ro.build.version.sdk'])).trim());
    if (!Number.isInteger(sdk) || sdk < 1) throw unreadable('the SDK level');
    const versionCode = parseVersionCode(await shell(this.#options, ['dumpsys', 'package', name]), name);
    if (versionCode === undefined) throw unreadable(`the version of ${name}`);
    const signer = versionCode === 0 ? undefined : await this.#signerOf(name, versionCode, sdk);
    return { package: name, versionCode, sdk, buildId: undefined, signer };
  }

  /** Verifies the installed APK itself: dumpsys shows only a 32-bit hash of the signature, which anybody can match. */
  async #signerOf(name: string, versionCode: number, sdk: number): Promise<Sha256 | undefined> {
    const base = parseBaseApk(await shell(this.#options, ['pm', 'path', name]));
    if (base === undefined) return undefined;
    const known = this.#signer;
    if (known?.path === base && known.versionCode === versionCode) return known.signer;
    const signer = await this.#pullSigner(base, name, versionCode, sdk);
    // A failed pull is not cached: the next one may work.
    if (signer !== undefined) this.#signer = { path: base, versionCode, signer };
    return signer;
  }

  async #pullSigner(
    base: string,
    name: string,
    versionCode: number,
    sdk: number,
  ): Promise<Sha256 | undefined> {
    const folder = await mkdtemp(path.join(tmpdir(), 'ota-agent-pull-'));
    try {
      const local = path.join(folder, 'base.apk');
      const { exitCode } = await adb(this.#options, ['pull', base, local], PUSH_TIMEOUT_MS);
      const file = new ApkOnDisk(local);
      if (exitCode !== 0 || (await file.size()) === 0) return undefined;
      const reader = await file.open();
      try {
        const verdict = await verifyApk(reader, { sdk });
        if (!verdict.ok || verdict.facts.package !== name || verdict.facts.versionCode !== versionCode)
          return undefined;
        return signerForSdk(verdict.facts, sdk)?.fingerprint;
      } finally {
        await reader.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async install(apk: ApkFile, { downgrade }: { readonly downgrade: boolean }): Promise<InstallResult> {
    if (apk.path === undefined)
      throw new Fault('apk_in_memory', 'adb needs the APK as a file', { retry: 'never' });
    const remote = `${REMOTE_FOLDER}/${path.basename(apk.path)}`;
    try {
      const pushed = await adb(this.#options, ['push', apk.path, remote], PUSH_TIMEOUT_MS);
      if (pushed.exitCode !== 0) return pushFailure(`${pushed.stdout}\n${pushed.stderr}`);
      const words = ['pm', 'install', '-r', ...(downgrade ? ['-d'] : []), remote];
      const result = parseInstall(await shellWithErrors(this.#options, words, INSTALL_TIMEOUT_MS));
      // The package manager may still be busy: the version that runs a minute later decides.
      if (!result.ok && result.code === 'no_answer')
        throw new Fault('install_unanswered', result.detail || 'pm install gave no answer', {
          retry: 'backoff',
        });
      if (result.ok) await this.#restartService();
      return result;
    } finally {
      await this.#quietly(['rm', '-f', remote]);
    }
  }

  /** Android notifies a replaced app. A service that must run at once is started here. */
  async #restartService(): Promise<void> {
    const { service } = this.#options;
    if (service !== undefined) await this.#quietly(['am', 'start-foreground-service', '-n', service]);
  }

  async #quietly(words: readonly string[]): Promise<void> {
    try {
      const text = await shellWithErrors(this.#options, words);
      if (/^Error/m.test(text)) this.#options.note?.(`${words.join(' ')}: ${text.trim().slice(0, 200)}`);
    } catch (error) {
      this.#options.note?.(`${words.join(' ')}: ${error instanceof Error ? error.message : 'failed'}`);
    }
  }

  /** adb does not report changes, so a waiting agent looks again each minute. */
  watch(): () => void {
    return () => {};
  }
}

const unreadable = (what: string) =>
  new Fault('device_unreadable', `cannot read ${what}`, { retry: 'backoff' });

/** A full device is a final answer. An interrupted push is retried: Fault `adb_push_failed`. */
function pushFailure(text: string): InstallResult {
  const detail = text.trim().slice(0, 160);
  if (/No space left/i.test(text)) return { ok: false, code: 'INSTALL_FAILED_INSUFFICIENT_STORAGE', detail };
  throw new Fault('adb_push_failed', detail, { retry: 'backoff' });
}
