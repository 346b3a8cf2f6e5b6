/** `ota token …`: the tokens of operators. A new token is printed once and never stored in plain text. */
import { InvalidArgumentError, Option } from 'commander';
import { DAY_MS, durationText } from '../domain/duration.ts';
import { isName } from '../domain/ids.ts';
import { ADMIN_SCOPES as SCOPES } from '../ports/index.ts';
import { oldDurationArgument } from './arguments.ts';
import { controllerClient } from './client.ts';
import { EXIT, type ExitCode, type Io, jsonText, outJson, paint } from './io.ts';
import { visibleLine } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { type OutOption, outOption, withSecretFile } from './secret-file.ts';
import { table } from './table.ts';

const DEFAULT_LIFE_MS = 90 * DAY_MS;

interface TokenOnWire {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expires_at: string;
  readonly revoked_at: string | null;
}

const scopesArgument = (text: string, before: readonly string[] = []): string[] => {
  const names = text.split(',').map(s => s.trim());
  const wrong = names.find(s => !SCOPES.some(known => known === s));
  if (wrong !== undefined)
    throw new InvalidArgumentError(
      `${visibleLine(JSON.stringify(wrong))} is not a scope; choose from: ${SCOPES.join(', ')}.`,
    );
  return [...new Set([...before, ...names])];
};

const nameArgument = (text: string): string => {
  if (!isName(text)) throw new InvalidArgumentError('A name is lower case, [a-z0-9._-], at most 64.');
  return text;
};

interface CreateOptions extends OutOption {
  readonly scope?: string[];
  readonly expires: number;
  readonly json?: boolean;
}

export const token: Verb = (program, choose) => {
  const group = program
    .command('token')
    .summary("create, list and revoke operators' tokens")
    .description(
      'Manages the tokens with which operators and programs call the controller. Needs a token with scope admin.',
    )
    .addHelpText(
      'after',
      examples('ota token create ci --scope read,artifacts', 'ota token list', 'ota token revoke ci'),
    );

  outOption(
    group
      .command('create')
      .description('Creates a named token and prints it. It is shown only once.')
      .argument('<name>', 'what it is for', nameArgument)
      .option(
        '--scope <scope>',
        `what it may do: ${SCOPES.join(', ')}; several by repeating or with commas (default: read)`,
        scopesArgument,
      )
      .addOption(
        new Option('--expires <duration>', 'when it ends')
          .argParser(oldDurationArgument)
          .default(DEFAULT_LIFE_MS, durationText(DEFAULT_LIFE_MS)),
      ),
  )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'ota token create grafana --scope metrics --expires 365d',
        'ota token create ci --scope read,artifacts --out ci-token',
      ),
    )
    .action((name: string, options: CreateOptions) =>
      choose(io => withSecretFile(options, io, kept => runCreate(name, options, kept))),
    );

  group
    .command('list')
    .description('Lists the tokens by name; the tokens themselves are not stored.')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('ota token list'))
    .action((options: { json?: boolean }) =>
      choose(async io => {
        const { json } = await controllerClient(io).call({ path: '/v1/admin-tokens' });
        const { tokens } = json as { tokens: TokenOnWire[] };
        const { bold, red } = paint(io);
        const rows = tokens.map(t => [t.name, t.scopes.join(','), t.expires_at, stateOf(t, io.nowMs())]);
        if (options.json === true) outJson(io, tokens);
        else
          io.out(
            table([
              ['name', 'scopes', 'expires', 'state'].map(h => bold(h)),
              ...rows.map(([name = '', scopes = '', expires = '', state = '']) => [
                name,
                scopes,
                expires,
                state === 'valid' ? state : red(state),
              ]),
            ]),
          );
        return EXIT.fine;
      }),
    );

  group
    .command('revoke')
    .description('Revokes a token at once.')
    .argument('<name>', 'its name', nameArgument)
    .option('--yes', 'revoke it even if it is the token in use or the last one with scope admin')
    .addHelpText('after', examples('ota token revoke ci'))
    .action((name: string, options: { yes?: boolean }) =>
      choose(async io => {
        await controllerClient(io).call({
          method: 'DELETE',
          path: `/v1/admin-tokens/${encodeURIComponent(name)}`,
          query: { yes: options.yes === true ? 'true' : undefined },
        });
        io.out(`revoked ${name}\n`);
        return EXIT.fine;
      }),
    );
};

const stateOf = (token: TokenOnWire, nowMs: number): string =>
  token.revoked_at !== null ? 'revoked' : Date.parse(token.expires_at) <= nowMs ? 'expired' : 'valid';

async function runCreate(name: string, options: CreateOptions, io: Io): Promise<ExitCode> {
  const scopes = options.scope ?? ['read'];
  const { json } = await controllerClient(io).call({
    method: 'POST',
    path: '/v1/admin-tokens',
    json: { name, scopes, expires_in_s: Math.ceil(options.expires / 1000) },
  });
  const made = json as TokenOnWire & { token: string };
  const cure = `revoke the lost token: ota token revoke ${name}; then create another`;
  io.outOnce(options.json === true ? jsonText(made) : `${made.token}\n`, cure);
  io.err(
    `created ${name} (${made.scopes.join(', ')}), ends ${made.expires_at}. ${paint(io).yellow('Keep it: it is not shown again.')}\n`,
  );
  return EXIT.fine;
}
