/** `ota explain DEVICE`: why a device is offered what it is offered, step by step, and its history. */
import type * as Api from '../../schemas/api.d.ts';
import { countArgument, deviceArgument, timeArgument } from './arguments.ts';
import { controllerClient } from './client.ts';
import { devicePath } from './device-path.ts';
import type { DeviceOnWire } from './device-print.ts';
import { printPast } from './explain-past.ts';
import { EXIT, type Io, outJson, paint } from './io.ts';
import { visibleLine } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { shortRevision } from './rollout-wire.ts';
import { table } from './table.ts';

interface Explained {
  readonly device: DeviceOnWire;
  readonly revision: string;
  readonly decision:
    | { readonly kind: 'hold'; readonly reason: string }
    | {
        readonly kind: 'offer';
        readonly build_id: string;
        readonly eligible_by: string;
        readonly force_downgrade: boolean;
      };
  readonly steps: readonly { readonly step: string; readonly finding: string; readonly why: string }[];
  /** Absent from controllers of 0.1. */
  readonly repeated_installs?: readonly { build_id: string; installs: number; since: string }[];
  readonly reports: readonly {
    at: string;
    build_id: string;
    outcome: string;
    reason: string;
    request_id: string;
    detail: string | null;
  }[];
  readonly downloads: readonly {
    at: string;
    build_id: string;
    result: string;
    status: number;
    bytes: number;
  }[];
}

export const explain: Verb = (program, choose) => {
  program
    .command('explain')
    .summary('explain the decision for one device')
    .description(
      'Shows the decision for one device as it last reported, each step that led there, and its history.',
    )
    .argument('<device>', 'device id', deviceArgument)
    .option('--at <time>', 'what it would have been offered at this time (with UTC offset)', timeArgument)
    .option('--history <n>', 'how many reports and downloads to show', countArgument(0, 50), 5)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'ota explain kiosk-7',
        'ota explain kiosk-7 --at 2026-12-01T03:00:00Z',
        'ota explain kiosk-7 --json | jq .decision',
      ),
    )
    .action((id: string, options: { at?: number; history: number; json?: boolean }) =>
      choose(async io => {
        const { json } = await controllerClient(io).call({
          path: devicePath(id, '/explain'),
          query: { at: options.at === undefined ? undefined : new Date(options.at).toISOString() },
        });
        if (options.json === true) outJson(io, json);
        else if (options.at !== undefined) printPast(json as Api.PastExplanation, io);
        else print(json as Explained, options.history, io);
        return EXIT.fine;
      }),
    );
};

function print(found: Explained, history: number, io: Io): void {
  const { bold, green, yellow, dim } = paint(io);
  const { device, decision } = found;
  const answer =
    decision.kind === 'offer'
      ? green(
          `offer ${decision.build_id} (${decision.eligible_by}${decision.force_downgrade ? ', downgrade' : ''})`,
        )
      : decision.reason === 'up_to_date'
        ? `hold ${decision.reason}`
        : yellow(`hold ${decision.reason}`);
  const tags = device.tags.length === 0 ? 'no tags' : `tags ${device.tags.join(', ')}`;
  const seen = device.last_seen_at === null ? 'never checked in' : `last seen ${device.last_seen_at}`;
  io.out(`${bold(device.device_id)}: ${answer}\n`);
  io.out(`${dim(`${tags}; ${seen}; revision ${shortRevision(found.revision)}`)}\n`);
  if (device.revoked_at !== null)
    io.out(`${yellow('revoked')} at ${device.revoked_at}: its requests are refused\n`);
  for (const { build_id, installs, since } of found.repeated_installs ?? [])
    io.out(
      `${yellow('repeated')}: it has installed ${build_id} ${installs} times since ${since}; the installed build does not stay on it\n`,
    );
  io.out(`\n${table(found.steps.map(s => [s.step, bold(visibleLine(s.finding)), visibleLine(s.why)]))}`);
  const reports = found.reports.slice(0, history);
  if (reports.length > 0)
    io.out(
      `\n${bold('reports')}\n${table(reports.map(r => [r.at, r.build_id, r.outcome, r.reason, dim(visibleLine(r.detail ?? ''))]))}`,
    );
  const downloads = found.downloads.slice(0, history);
  if (downloads.length > 0)
    io.out(
      `\n${bold('downloads')}\n${table(downloads.map(d => [d.at, d.build_id, d.result, `${d.bytes} bytes`]))}`,
    );
}
