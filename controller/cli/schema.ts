/** `ota schema`: the JSON Schemas of the release files, for editors and other tools. */
import { Argument } from 'commander';
import buildSchema from '../../schemas/build.schema.json' with { type: 'json' };
import cohortSchema from '../../schemas/cohort.schema.json' with { type: 'json' };
import policySchema from '../../schemas/policy.schema.json' with { type: 'json' };
import rolloutSchema from '../../schemas/rollout.schema.json' with { type: 'json' };
import { EXIT, outJson } from './io.ts';
import type { SchemaName } from './modeline.ts';
import { examples, type Verb } from './program.ts';

export const SCHEMA_FILES: Readonly<Record<SchemaName, object>> = {
  rollout: rolloutSchema,
  build: buildSchema,
  cohort: cohortSchema,
  policy: policySchema,
};
const NAMES = Object.keys(SCHEMA_FILES) as SchemaName[];

export const schema: Verb = (program, choose) => {
  program
    .command('schema')
    .summary('print the JSON Schema of a release file')
    .description('Prints one JSON Schema. Without a name it lists the names.')
    .addArgument(new Argument('[name]', 'which file it describes').choices(NAMES))
    .addHelpText('after', examples('ota schema', 'ota schema rollout > schemas/rollout.schema.json'))
    .action((name: SchemaName | undefined) =>
      choose(async io => {
        if (name === undefined) io.out(NAMES.map(each => `${each}\n`).join(''));
        else outJson(io, SCHEMA_FILES[name]);
        return EXIT.fine;
      }),
    );
};
