/** What every page must hold: no complaint of axe, nothing sideways; and the pictures that the docs show. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { scrollsSideways } from './browser.ts';

const IMAGES = path.resolve(import.meta.dirname, '../../../docs/images/pages');
/** `OTA_PICTURES=keep` writes them where the docs have them; a test run changes no committed file. */
const KEEP = process.env.OTA_PICTURES === 'keep';

export const plain = (text: string | null): string =>
  (text ?? '').replaceAll('\u00a0', ' ').replaceAll(/\s+/g, ' ').trim();

export const headingOf = async (page: Page): Promise<string> =>
  plain(await page.getByRole('heading', { level: 1 }).textContent());

/** By every rule in light; in dark nothing but colours differs. Leaves the page in light. */
export async function accessible(page: Page, what: string): Promise<void> {
  const complaints = async (axe: AxeBuilder): Promise<string[]> =>
    (await axe.analyze()).violations.map(
      v => `${what}: ${v.id} at ${v.nodes.map(n => n.target.join(' ')).join(', ')}`,
    );
  assert.equal(await complaints(new AxeBuilder({ page })), []);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.equal(await complaints(new AxeBuilder({ page }).withRules(['color-contrast'])), []);
  await page.emulateMedia({ colorScheme: 'light' });
}

/** At the widths of phones; the window stays at the narrowest. */
export async function fitsPhones(page: Page, what: string): Promise<void> {
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 800 });
    assert.not.ok(await scrollsSideways(page), `${what} scrolls sideways at ${width}`);
  }
}

/** What a person sees first, which keeps the files small; `whole`: all of the page, in light, dark and on a phone. */
export async function picture(page: Page, name: string, whole = false, top = 640): Promise<void> {
  if (!KEEP) return;
  await mkdir(IMAGES, { recursive: true });
  const shoot = (as: string, height = top): Promise<unknown> => {
    const { width } = page.viewportSize() ?? { width: 1280 };
    const file = path.join(IMAGES, `${as}.png`);
    return whole && width > 640
      ? page.screenshot({ path: file, fullPage: true })
      : page.screenshot({ path: file, fullPage: true, clip: { x: 0, y: 0, width, height } });
  };
  await shoot(name);
  if (!whole) return;
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot(`${name}-dark`);
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 844 });
  await shoot(`${name}-phone`, 1_300);
  await page.setViewportSize({ width: 1280, height: 900 });
}
