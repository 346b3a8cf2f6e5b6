/** Debian's Chromium, driven by Playwright; one browser a test file, one context a look. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export type { Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';

/** Why browser tests are skipped; undefined where they run. */
export const noBrowser: string | undefined = existsSync(CHROMIUM)
  ? undefined
  : `${CHROMIUM} is not there: apt-get install chromium`;

let launched: Promise<Browser> | undefined;

const browser = (): Promise<Browser> => {
  launched ??= chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return launched;
};

export const closeBrowser = async (): Promise<void> => {
  await (await launched)?.close();
  launched = undefined;
};

export interface LookOptions {
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
  readonly scripts?: boolean;
  /** Complaints of the browser that the test provokes. */
  readonly allows?: RegExp;
}

/** A page in a context of its own: nobody is signed in. What the browser complains about fails the look. */
export async function withPage<T>(
  url: string,
  options: LookOptions,
  use: (page: Page, context: BrowserContext) => Promise<T>,
): Promise<T> {
  const { dark = false, width = 1280, height = 900, scripts = true, allows } = options;
  const context = await (await browser()).newContext({
    baseURL: url,
    colorScheme: dark ? 'dark' : 'light',
    viewport: { width, height },
    javaScriptEnabled: scripts,
    reducedMotion: 'reduce',
  });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', error => complaints.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error' && allows?.test(message.text()) !== true)
        complaints.push(message.text());
    });
    const result = await use(page, context);
    if (complaints.length > 0) throw new Error(`the browser complained: ${complaints.join('; ')}`);
    return result;
  } finally {
    await context.close();
  }
}

/** Signs in through the form, as a person does. */
export async function signIn(page: Page, token: string, target = '/'): Promise<void> {
  await page.goto(target);
  await page.getByLabel('Operator’s token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Views' }).waitFor();
}

/** Whether something is wider than the window. */
export const scrollsSideways = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');
