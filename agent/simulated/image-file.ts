/** A simulated device's installed package, stored on disk across restarts of the process. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../../controller/domain/fault.ts';
import type { DeviceImage } from './device.ts';

const fileIn = (folder: string): string => path.join(folder, 'device.json');

/** Undefined if it does not exist yet. Fault `device_image_broken` if it cannot be read. */
export async function loadImage(folder: string): Promise<DeviceImage | undefined> {
  let text: string;
  try {
    text = await readFile(fileIn(folder), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as DeviceImage;
  } catch (cause) {
    throw new Fault('device_image_broken', `${fileIn(folder)} is not a device image`, {
      retry: 'never',
      cause,
    });
  }
}

export async function saveImage(folder: string, image: DeviceImage): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(`${fileIn(folder)}.new`, JSON.stringify(image));
  await rename(`${fileIn(folder)}.new`, fileIn(folder));
}
