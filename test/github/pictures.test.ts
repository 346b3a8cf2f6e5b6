/**
 * The golden comments as a reviewer sees them, drawn by Mermaid in Chromium. Kept under docs/images/ by
 * `UPDATE_PICTURES=1 node --import tsx test/github/pictures.test.ts`. Without Chromium nothing can be drawn, and it says so.
 */
import { accessSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { marked } from 'marked';
import { type Browser, chromium, type Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = path.resolve(import.meta.dirname, '../..');
const GOLDEN = path.join(ROOT, 'test/golden/github');
const IMAGES = path.join(ROOT, 'docs/images');
const MERMAID = path.join(
  path.dirname(createRequire(import.meta.url).resolve('mermaid/package.json')),
  'dist/mermaid.min.js',
);
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Those whose pictures are kept; every one with a chart is drawn. */
const KEPT = [
  'plan-ramp',
  'plan-dangerous',
  'plan-rollback',
  'report-rolling-out',
  'report-suspended',
  'report-completed',
  'report-held',
  'brake-gate',
];
const CHARTS = readdirSync(GOLDEN)
  .map(file => path.basename(file, '.md'))
  .filter(name => textOf(name).includes('```mermaid'));

function textOf(name: string): string {
  return readFileSync(path.join(GOLDEN, `${name}.md`), 'utf8');
}

/** A page about as wide and as coloured as a comment on github.com. */
const STYLE = `
  body { margin: 0; padding: 20px; width: 860px; font: 14px/1.5 "Noto Sans", "DejaVu Sans", sans-serif;
    color: var(--ink); background: var(--paper); }
  body.light { --ink: #1f2328; --paper: #ffffff; --line: #d1d9e0; --soft: #f6f8fa; --muted: #59636e; --danger: #d1242f; }
  body.dark { --ink: #f0f6fc; --paper: #0d1117; --line: #3d444d; --soft: #151b23; --muted: #9198a1; --danger: #f85149; }
  h3 { font-size: 1.25em; margin: 0 0 12px; } p, ul, table, blockquote, details { margin: 0 0 14px; }
  table { border-collapse: collapse; } th, td { padding: 5px 12px; border: 1px solid var(--line); }
  tr:nth-child(2n) td { background: var(--soft); }
  code { padding: 2px 5px; border-radius: 6px; background: color-mix(in srgb, var(--line) 45%, transparent);
    font: 85% "DejaVu Sans Mono", monospace; }
  sub { color: var(--muted); font-size: 80%; vertical-align: baseline; }
  .alert { padding: 4px 14px; border-left: 4px solid var(--danger); } .alert b.title { color: var(--danger); }
  .mermaid { margin: 0 0 8px; } svg { max-width: 100%; height: auto; }
`;

function htmlOf(markdown: string, scheme: 'light' | 'dark'): string {
  const body = (marked.parse(markdown, { async: false, breaks: true }) as string)
    .replace(
      /<pre><code class="language-mermaid">([\s\S]*?)<\/code><\/pre>/g,
      '<div class="mermaid">$1</div>',
    )
    .replace(
      /<blockquote>\s*<p>\[!CAUTION\](?:<br>)?\s*<\/p>/g,
      '<blockquote class="alert"><b class="title">Caution</b>',
    );
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><body class="${scheme}">${body}</body>`;
}

/** Draws the charts as GitHub does: with its theme for the page, which ours must override where it matters. */
async function draw(page: Page, name: string, scheme: 'light' | 'dark'): Promise<void> {
  await page.setContent(htmlOf(textOf(name), scheme));
  await page.addScriptTag({ path: MERMAID });
  const theme = scheme === 'dark' ? 'dark' : 'default';
  await page.evaluate(
    `(async () => { mermaid.initialize({ startOnLoad: false, theme: '${theme}' }); await mermaid.run(); })()`,
  );
}

async function withBrowser(use: (page: Page) => Promise<void>): Promise<void> {
  if (CHROMIUM === undefined) return;
  const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, timeout: 120_000 });
  try {
    const page = await browser.newPage({ viewport: { width: 900, height: 400 }, deviceScaleFactor: 1.5 });
    page.setDefaultTimeout(120_000);
    await use(page);
  } finally {
    await browser.close();
  }
}

/** Contrast of two colours by WCAG 2. */
function contrast(a: readonly number[], b: readonly number[]): number {
  const luminance = (rgb: readonly number[]): number => {
    const [r = 0, g = 0, blue = 0] = rgb.map(v => {
      const c = v / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const rgbOf = (text: string): number[] =>
  [...text.matchAll(/\d+(?:\.\d+)?/g)].slice(0, 3).map(m => Number(m[0]));

if (CHROMIUM === undefined)
  test('SKIPPED: no Chromium here, so no comment was drawn (apt-get install chromium)', () => {
    assert.ok(CHARTS.length > 0);
  });
else {
  test('the line and the bars of every chart are seen on a light and on a dark page', () =>
    withBrowser(async page => {
      for (const name of CHARTS)
        for (const scheme of ['light', 'dark'] as const) {
          await draw(page, name, scheme);
          const found = (await page.evaluate(`(() => {
            const line = document.querySelector('.line-plot-1 path, .line-plot-0 path');
            const bar = document.querySelector('.bar-plot-0 rect, .bar-plot-1 rect');
            const of = (e, what) => (e === null ? '' : getComputedStyle(e)[what]);
            return { line: of(line, 'stroke'), bar: of(bar, 'fill') };
          })()`)) as { line: string; bar: string };
          const paper = scheme === 'light' ? [255, 255, 255] : [13, 17, 23];
          for (const [what, colour] of Object.entries(found)) {
            assert.ok(colour.startsWith('rgb'), `${name}: ${what} was not drawn`);
            const clear = contrast(rgbOf(colour), paper);
            assert.ok(clear >= 2.4, `${name}, ${scheme}: the ${what} is ${colour}, ${clear.toFixed(2)} : 1`);
          }
          assert.ok(contrast(rgbOf(found.line), rgbOf(found.bar)) > 1.2, 'line and bars differ');
        }
    }));

  test('the pictures of the comments are kept', () =>
    withBrowser(async page => {
      for (const name of KEPT) {
        const file = path.join(IMAGES, `comment-${name}.png`);
        if (process.env.UPDATE_PICTURES === '1') {
          await draw(page, name, 'light');
          await page.locator('body').screenshot({ path: file });
        }
        accessSync(file);
      }
      const dark = path.join(IMAGES, 'comment-report-rolling-out-dark.png');
      if (process.env.UPDATE_PICTURES === '1') {
        await draw(page, 'report-rolling-out', 'dark');
        await page.locator('body').screenshot({ path: dark });
      }
      accessSync(dark);
    }));
}

test.run();
