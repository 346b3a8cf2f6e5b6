/** The sources as text, and what they import: for the tests of the structure. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '../..');

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export const filesUnder = (folder: string): SourceFile[] =>
  readdirSync(path.join(root, folder), { recursive: true })
    .map(name => `${folder}/${String(name).replaceAll(path.sep, '/')}`)
    .filter(name => name.endsWith('.ts'))
    .map(name => ({ path: name, text: readFileSync(path.join(root, name), 'utf8') }));

/** The text without comments; with `strings: false` also without quoted strings. Lines stay where they are. */
export function codeOf(text: string, { strings }: { strings: boolean }): string {
  const token = /\/\*[\s\S]*?\*\/|(?<!:)\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;
  return text.replace(token, found =>
    found.startsWith('/') || !strings ? found.replace(/[^\n]/g, ' ') : found,
  );
}

const IMPORT = /(?:\bfrom\s*|\bimport(?:\.meta\.resolve)?\s*\(?\s*)['"]([^'"\s,(){}]+)['"]/g;

/** What a file imports: paths from the root for relative imports, package names as they are. */
export const importsOf = ({ path: from, text }: SourceFile): string[] =>
  [...codeOf(text, { strings: true }).matchAll(IMPORT)].map(([, to = '']) =>
    to.startsWith('.') ? path.posix.join(path.posix.dirname(from), to) : to,
  );
