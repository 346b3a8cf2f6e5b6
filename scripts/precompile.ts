/**
 * Validators in their compiled form: the same schemas and options as in the sources, without the compiler. Run by
 * `npm run build` over what tsc has written to dist; the bundle of `ota` takes them from here, too.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { _, Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { build, type Plugin } from 'esbuild';
import { KINDS } from '../controller/domain/layout.ts';
import { BODY_SCHEMAS, bodyAjv, bodyRef } from '../controller/http/body-schemas.ts';
import { AJV_OPTIONS, schemaOf } from '../controller/yaml/validators.ts';

const root = path.resolve(import.meta.dirname, '..');

interface Precompiled {
  /** Relative to the root, without its extension. */
  readonly module: string;
  /** What takes its place. */
  readonly code: () => string;
}

const KIND_VALIDATORS: Precompiled = {
  module: 'controller/yaml/validators',
  code: () => {
    const ajv = new Ajv({ ...AJV_OPTIONS, code: { source: true, esm: true, formats: _`FORMATS` } });
    for (const kind of KINDS) ajv.addSchema(schemaOf(kind), kind);
    const code = standalone.default(ajv, Object.fromEntries(KINDS.map(kind => [kind, kind])));
    return `import { FORMATS } from './formats.ts';
${code}
const VALIDATORS = { ${KINDS.join(', ')} };
export const validatorOf = kind => VALIDATORS[kind];`;
  },
};

const BODY_VALIDATORS: Precompiled = {
  module: 'controller/http/body-schemas',
  code: () => {
    const refs = Object.fromEntries(BODY_SCHEMAS.map(name => [name, bodyRef(name)]));
    const code = standalone.default(bodyAjv({ code: { source: true, esm: true } }), refs);
    return `${code}
const VALIDATORS = { ${BODY_SCHEMAS.join(', ')} };
export const bodyValidator = name => VALIDATORS[name];`;
  },
};

const ALL = [KIND_VALIDATORS, BODY_VALIDATORS];

/** Puts the compiled form in the place of the sources that a bundle reads. */
export const precompiled: Plugin = {
  name: 'precompiled validators',
  setup: bundling => {
    for (const { module, code } of ALL)
      bundling.onLoad({ filter: new RegExp(`${module}\\.ts$`) }, ({ path: file }) => ({
        contents: code(),
        loader: 'js',
        resolveDir: path.dirname(file),
      }));
  },
};

const require =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** Writes them over the modules that tsc made of the sources. */
export async function precompileInto(dist: string): Promise<void> {
  for (const { module } of ALL) {
    const outfile = path.join(dist, `${module}.js`);
    await build({
      absWorkingDir: root,
      entryPoints: [`${module}.ts`],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      plugins: [precompiled],
      banner: { js: require },
      logLevel: 'warning',
      allowOverwrite: true,
    });
    await rm(`${outfile}.map`, { force: true });
  }
}

if (process.argv[1] === import.meta.filename) await precompileInto('dist');
