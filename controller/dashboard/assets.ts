/** Stylesheet, scripts and icon: read once, named by a hash of their content, cached by browsers for a year. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Page, PageAnswer, PageRequest } from '../ports/index.ts';
import { type Html, html } from './html.ts';

export interface Assets {
  readonly page: Page;
  /** Elements for the head of each page. */
  readonly head: Html;
}

interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly packed: Uint8Array;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The folder beside this file, both in the source and in a build. */
const FOLDER = path.join(import.meta.dirname, 'assets');

const FILES = (): Readonly<Record<string, string>> => ({
  'style.css': path.join(FOLDER, 'style.css'),
  'page.js': path.join(FOLDER, 'page.js'),
  'icon.svg': path.join(FOLDER, 'icon.svg'),
  'htmx.js': fileURLToPath(import.meta.resolve('htmx.org/dist/htmx.min.js')),
  'morph.js': fileURLToPath(import.meta.resolve('idiomorph/dist/idiomorph-ext.min.js')),
});

/** `style.css` → `style.1f0c77ab2d3e.css` */
function hashedName(name: string, bytes: Uint8Array): string {
  const { name: stem, ext } = path.parse(name);
  return `${stem}.${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}${ext}`;
}

export function readAssets(): Assets {
  const stored = new Map<string, Asset>();
  const urls = new Map<string, string>();
  for (const [name, file] of Object.entries(FILES())) {
    const bytes = readFileSync(file);
    const hashed = hashedName(name, bytes);
    stored.set(hashed, {
      type: TYPES[path.extname(name)] ?? '',
      bytes,
      packed: gzipSync(bytes, { level: 9 }),
    });
    urls.set(name, `/assets/${hashed}`);
  }
  const url = (name: string): string => urls.get(name) ?? '';
  return {
    page: { method: 'GET', path: '/assets/:name', answer: request => answer(stored, request) },
    head: html`<link rel="stylesheet" href="${url('style.css')}">
<link rel="icon" href="${url('icon.svg')}" type="image/svg+xml">
<script src="${url('page.js')}"></script>
<script defer src="${url('htmx.js')}"></script>
<script defer src="${url('morph.js')}"></script>`,
  };
}

function answer(stored: ReadonlyMap<string, Asset>, request: PageRequest): PageAnswer {
  const asset = stored.get(request.params.name ?? '');
  if (asset === undefined)
    return {
      status: 404,
      headers: { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' },
      body: 'gone',
    };
  const packs = /\bgzip\b/.test(request.header('accept-encoding') ?? '');
  return {
    status: 200,
    headers: {
      'Content-Type': asset.type,
      'Cache-Control': 'public, max-age=31536000, immutable',
      'X-Content-Type-Options': 'nosniff',
      Vary: 'Accept-Encoding',
      ...(packs && { 'Content-Encoding': 'gzip' }),
    },
    body: packs ? asset.packed : asset.bytes,
  };
}
