/** The simulated device of `ota-agent run --simulated`. Options set its first image; later ones come from its folder. */
import { readFileSync } from 'node:fs';
import { bufferReader, signerForSdk, verifyApk } from '../../controller/apk/index.ts';
import { Fault } from '../../controller/domain/fault.ts';
import type { Sha256 } from '../../controller/domain/ids.ts';
import type { Conditions } from '../readings.ts';
import { type DeviceImage, SimulatedDevice } from '../simulated/device.ts';
import { loadImage, saveImage } from '../simulated/image-file.ts';

export interface SimulatedFlags {
  readonly package: string;
  readonly sdk: number;
  readonly installed?: string;
  readonly versionCode?: number;
  readonly signer?: Sha256;
  readonly wifi: boolean | undefined;
  readonly battery: number | undefined;
  readonly charging?: boolean | undefined;
  readonly inCall?: boolean | undefined;
  /** If set, a condition that is not given cannot be read; otherwise it has its harmless default. */
  readonly unknownConditions?: boolean;
  readonly downgrade: boolean;
}

/** The image at first: from the facts of an APK, or from single options. */
export async function firstImage(
  flags: Pick<SimulatedFlags, 'package' | 'sdk' | 'installed' | 'versionCode' | 'signer'>,
): Promise<DeviceImage> {
  const { sdk } = flags;
  if (flags.installed === undefined) {
    const versionCode = flags.versionCode ?? 0;
    if (versionCode > 0 && flags.signer === undefined)
      throw new Fault(
        'signer_missing',
        'the signer of the installed version is missing: give --installed APK, or --signer with --version-code',
        {
          retry: 'never',
        },
      );
    return {
      installed: { package: flags.package, versionCode, signer: flags.signer, sha256: undefined },
      sdk,
      installCalls: 0,
    };
  }
  const verdict = await verifyApk(bufferReader(readFileSync(flags.installed)), { sdk });
  if (!verdict.ok)
    throw new Fault('apk_refused', `${flags.installed}: ${verdict.code}: ${verdict.message}`, {
      retry: 'never',
    });
  const { facts } = verdict;
  const signer = signerForSdk(facts, sdk)?.fingerprint;
  return {
    installed: { package: facts.package, versionCode: facts.versionCode, signer, sha256: facts.sha256 },
    sdk,
    installCalls: 0,
  };
}

export async function simulatedDevice(
  folder: string,
  flags: SimulatedFlags,
  onReplaced: () => void,
): Promise<SimulatedDevice> {
  const image = (await loadImage(folder)) ?? (await firstImage(flags));
  await saveImage(folder, image);
  const calm = flags.unknownConditions === true ? undefined : false;
  const conditions: Conditions = {
    unmeteredWifi: flags.wifi,
    batteryPercent: flags.battery,
    charging: flags.charging ?? calm,
    inCall: flags.inCall ?? calm,
  };
  return new SimulatedDevice({
    image,
    conditions,
    mayDowngrade: flags.downgrade,
    keep: changed => saveImage(folder, changed),
    onReplaced,
  });
}
