/** Validators in their compiled form: the same schemas and options as in the sources, without the compiler. */
import path from 'node:path';
import { _, Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import type { Plugin } from 'esbuild';
import { KINDS } from '../controller/domain/layout.ts';
import { BODY_SCHEMAS, bodyAjv, bodyRef } from '../controller/http/body-schemas.ts';
import { AJV_OPTIONS, schemaOf } from '../controller/yaml/validators.ts';

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

/** Replaces the sources by the compiled form in a bundle. */
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
