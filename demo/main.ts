/**
 * `npm run demo`: the main job from end to end, with a fleet. Exits 0 when every figure is as expected, 1 when one is
 * off, 2 when the scene could not be played.
 */
import { Command, InvalidArgumentError } from 'commander';
import { renderFigures } from './figures.ts';
import { playScene } from './scene.ts';
import { makeShow } from './show.ts';
import { openStage } from './stage.ts';

interface Options {
  readonly json?: true;
  readonly keep?: true;
  readonly tamper?: true;
  readonly devices: number;
}

const wholeNumber = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 60 || n > 20_000)
    throw new InvalidArgumentError('a whole number from 60 to 20000');
  return n;
};

const program = new Command('demo')
  .description(
    'A Git repository, two signed APKs, a controller and a fleet: commits move the rollout 10 → 50 → 100 % → rollback.',
  )
  .option('--devices <n>', 'simulated devices', wholeNumber, 600)
  .option('--once', 'play the scene once and end (as it does unless --keep is given)')
  .option('--keep', 'leave the controller running afterwards, to look around; end with Ctrl-C')
  .option('--json', 'print one JSON object and nothing else')
  .option(
    '--tamper',
    "change one byte of b42 in the controller's store once it is admitted: no device may install it, and the demo must fail",
  );

// A reader that closes early (`npm run demo | head`) must not prevent the cleanup.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

async function main(): Promise<number> {
  const options = program.parse().opts<Options>();
  const terminal = process.stdout.isTTY === true;
  const show = makeShow(options.json ? 'silent' : terminal ? 'terminal' : 'pipe');
  const startedMs = performance.now();
  show.step('making a Git repository and two signed APKs, starting the controller');
  const stage = await openStage();
  show.page(stage.url, stage.adminToken);
  const leave = (): void => void stage.close().finally(() => process.exit(130));
  process.once('SIGINT', leave).once('SIGTERM', leave);
  try {
    const figures = await playScene(stage, show, {
      devices: options.devices,
      tamper: options.tamper === true,
    });
    const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
    if (options.json)
      console.log(
        JSON.stringify({ ok: figures.ok, devices: options.devices + 1, seconds, figures: figures.rows }),
      );
    else {
      console.log(`\n${renderFigures(figures, terminal)}\n`);
      console.log(
        figures.ok ? `All as expected, in ${seconds} s.` : 'Not as expected: see the rows marked OFF.',
      );
    }
    process.off('SIGINT', leave).off('SIGTERM', leave);
    if (options.keep && !options.json) await lookAround(stage.url, stage.adminToken);
    return figures.ok ? 0 : 1;
  } finally {
    await stage.close();
  }
}

async function lookAround(url: string, adminToken: string): Promise<void> {
  console.log(
    `\nThe controller runs until Ctrl-C:\n  export OTA_URL=${url} OTA_ADMIN_TOKEN=${adminToken}\n  npx ota status`,
  );
  await new Promise<void>(resolve =>
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve()),
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
