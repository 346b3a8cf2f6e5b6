/** A simulated device: settable conditions, a package manager that checks APKs, and faults on demand. */
import { Fault } from '../../controller/domain/fault.ts';
import type { ApkFile, Platform } from '../ports.ts';
import type { Conditions, Installed, InstallResult } from '../readings.ts';
import type { VerdictCache } from '../verify.ts';
import { judgeInstall, type Package } from './package-manager.ts';

/** What survives a restart of the simulated device's process. */
export interface DeviceImage {
  readonly installed: Package;
  readonly sdk: number;
  /** Install calls to the package manager, successful or not. */
  readonly installCalls: number;
}

export interface SimulatedOptions {
  readonly image: DeviceImage;
  readonly conditions?: Partial<Conditions>;
  readonly mayDowngrade?: boolean;
  readonly verdicts?: VerdictCache | undefined;
  /** Called when the image has changed, before the install is answered. */
  readonly keep?: (image: DeviceImage) => Promise<void>;
  /** Called after a replaced package: on a phone the agent's process is killed here. */
  readonly onReplaced?: () => void;
}

/** The next fault: an install fails with a code, hangs for ever, or throws. */
type InstallFault = { readonly code: string } | 'hang' | 'throw';

const GOOD_CONDITIONS: Conditions = {
  unmeteredWifi: true,
  batteryPercent: 80,
  charging: false,
  inCall: false,
};

export class SimulatedDevice implements Platform {
  readonly #options: SimulatedOptions;
  readonly #watchers = new Set<() => void>();
  readonly #faults: InstallFault[] = [];
  #draw: () => InstallFault | undefined = () => undefined;
  #image: DeviceImage;
  #conditions: Conditions;
  #unreadable = false;
  #hidden = false;

  constructor(options: SimulatedOptions) {
    this.#options = options;
    this.#image = options.image;
    this.#conditions = { ...GOOD_CONDITIONS, ...options.conditions };
  }

  get image(): DeviceImage {
    return this.#image;
  }

  /** Changes some conditions and notifies watchers. */
  set(conditions: Partial<Conditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions };
    for (const onChange of this.#watchers) onChange();
  }

  /** The next install ends like this instead. */
  failInstall(fault: InstallFault): void {
    this.#faults.push(fault);
  }

  /** Called at each install; a returned fault replaces its result. */
  drawFaults(draw: () => InstallFault | undefined): void {
    this.#draw = draw;
  }

  /** While true the installed signer cannot be read, as when a pull over adb fails. */
  hideSigner(hidden: boolean): void {
    this.#hidden = hidden;
  }

  /** While true the package manager cannot be asked. */
  breakPackageManager(broken: boolean): void {
    this.#unreadable = broken;
  }

  async conditions(): Promise<Conditions> {
    return this.#conditions;
  }

  async installed(): Promise<Installed> {
    if (this.#unreadable)
      throw new Fault('package_manager', 'the package manager does not answer', { retry: 'backoff' });
    const { installed, sdk } = this.#image;
    return {
      package: installed.package,
      versionCode: installed.versionCode,
      sdk,
      buildId: undefined,
      signer: this.#hidden ? undefined : installed.signer,
    };
  }

  async install(apk: ApkFile, { downgrade }: { readonly downgrade: boolean }): Promise<InstallResult> {
    await this.#change({ installCalls: this.#image.installCalls + 1 });
    const fault = this.#faults.shift() ?? this.#draw();
    if (fault === 'hang') return new Promise<InstallResult>(() => {});
    if (fault === 'throw')
      throw new Fault('package_manager', 'the package manager died', { retry: 'backoff' });
    if (fault !== undefined) return { ok: false, code: fault.code, detail: 'simulated' };
    const reader = await apk.open();
    try {
      const { mayDowngrade, verdicts } = this.#options;
      const policy = { sdk: this.#image.sdk, downgrade, mayDowngrade: mayDowngrade ?? true };
      const judged = await judgeInstall(reader, this.#image.installed, policy, verdicts);
      if (!judged.ok) return judged;
      await this.#change({ installed: judged.installed });
    } finally {
      await reader.close();
    }
    this.#options.onReplaced?.();
    return { ok: true };
  }

  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => this.#watchers.delete(onChange);
  }

  async #change(part: Partial<DeviceImage>): Promise<void> {
    this.#image = { ...this.#image, ...part };
    await this.#options.keep?.(this.#image);
  }
}
