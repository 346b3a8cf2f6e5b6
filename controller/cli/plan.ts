/** `ota plan`: what merging a change would do to the fleet. Without a controller the counts are nominal. */
import { Option } from 'commander';
import { countFleet } from '../domain/plan/fleet.ts';
import { planJson } from '../domain/plan/json.ts';
import { renderPlanMarkdown } from '../domain/plan/markdown.ts';
import { renderPlanText } from '../domain/plan/text.ts';
import { askFleet } from './fleet.ts';
import { EXIT, type ExitCode, type Io, outJson, paint } from './io.ts';
import { baseAt, judgeHead, notesOn } from './judging.ts';
import { forecastFor } from './plan-forecast.ts';
import { textOf, visible } from './problem-formats.ts';
import { examples, type Verb } from './program.ts';
import { askRollout } from './rollout-answer.ts';
import { staleClone } from './stale-clone.ts';
import { examineOn } from './stored-apks.ts';
import { openWorkspace } from './workspace.ts';

export interface PlanOptions {
  readonly base: string;
  readonly head?: string;
  readonly dir: string;
  readonly format: 'text' | 'markdown' | 'json';
  readonly exitCode?: boolean;
  readonly offline?: boolean;
}

export const plan: Verb = (program, choose) => {
  program
    .command('plan')
    .summary('show what merging a change would do to the fleet')
    .description(
      'Compares two revisions of the desired state and shows the effect: builds, exposure per step, risks, the way back.',
    )
    .option('--base <revision>', 'the revision to compare with', 'HEAD')
    .option('--head <revision>', 'the revision to merge (default: the files as they are now)')
    .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
    .addOption(
      new Option('--format <format>', 'how to print').choices(['text', 'markdown', 'json']).default('text'),
    )
    .option('--exit-code', 'exit with 1 when there are differences')
    .option('--offline', 'do not ask the controller')
    .addHelpText(
      'after',
      examples(
        'ota plan                                    # uncommitted edits against HEAD',
        'ota plan --base origin/main --head HEAD',
        'ota plan --base main --head my-branch --format markdown',
        'ota plan --exit-code >/dev/null || echo "something would change"',
      ),
    )
    .action((options: PlanOptions) => choose(io => runPlan(options, io)));
};

/** 0, or 1 if head is invalid, or if it differs and `--exit-code` was given. */
export async function runPlan(options: PlanOptions, io: Io): Promise<ExitCode> {
  const workspace = await openWorkspace(io, options.dir);
  const nowMs = io.nowMs();
  const answer = await askRollout(io, options.offline === true);
  const base = await baseAt(workspace, options.base, nowMs, answer);
  const tree = options.head === undefined ? await workspace.working() : await workspace.at(options.head);
  const judgement = await judgeHead(
    workspace,
    tree,
    base.standing,
    nowMs,
    examineOn(io, options.offline === true),
  );
  const { plan: planned, approvalsNeeded, apksUnchecked } = judgement;
  const problems = [...base.warnings, ...judgement.problems];
  const colours = paint(io);
  for (const problem of problems) io.err(textOf(problem, colours));
  if (planned === undefined) {
    if (options.format === 'json') outJson(io, { valid: false, problems });
    io.err(
      `${colours.red('no plan')}: ${options.head ?? 'the working folder'} is invalid and would not be applied\n`,
    );
    return EXIT.invalid;
  }
  const fleet = await askFleet(io, options.offline === true, answer);
  const counted =
    fleet.kind === 'counted' ? countFleet(planned, fleet.devices, fleet.activeWithinMs) : undefined;
  const forecast = forecastFor(planned, answer, counted);
  const stale = await staleClone(workspace, options.base, answer);
  const nominal = fleet.kind === 'unknown' ? [`counts are nominal: ${fleet.why}`] : [];
  for (const note of [...notesOn(judgement), ...nominal, ...(stale === undefined ? [] : [stale])])
    io.err(`note: ${visible(note)}\n`);
  const parts = { fleet: counted, forecast };
  if (options.format === 'json')
    outJson(io, {
      valid: true,
      ...planJson(planned, counted, forecast),
      approvals_needed: approvalsNeeded,
      apks_unchecked: apksUnchecked ?? null,
    });
  else
    io.out(
      options.format === 'markdown' ? renderPlanMarkdown(planned, parts) : renderPlanText(planned, parts),
    );
  return options.exitCode === true && !planned.empty ? EXIT.invalid : EXIT.fine;
}
