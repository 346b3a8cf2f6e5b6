/** `ota build …`: declares APKs as builds of the desired state. */
import path from 'node:path';
import { InvalidArgumentError } from 'commander';
import { buildArgument, countArgument, reasonArgument } from './arguments.ts';
import { type AddOptions, addBuild } from './build-add.ts';
import { runBuildVerify } from './build-verify.ts';
import { examples, type Verb } from './program.ts';

export const build: Verb = (program, choose) => {
  const group = program
    .command('build')
    .summary('declare an APK as a build, or verify one')
    .description('Reads, verifies, declares and uploads APKs.')
    .addHelpText('after', examples('ota build verify app.apk', 'ota build add app.apk'));

  group
    .command('add')
    .description(
      'Verifies an APK as Android does, stores it in the controller and writes its facts to builds/<id>.yaml.',
    )
    .argument('<apk>', 'a signed APK')
    .option('--id <build>', 'its build id (default: b and the version code)', buildArgument)
    .option('--upload', 'store the APK in the controller first (default: when OTA_ADMIN_TOKEN is set)')
    .option('--no-upload', 'only write the file')
    .option('--notes <text>', 'a note for people', reasonArgument)
    .option('--dir <dir>', 'the folder that holds rollout.yaml', 'releases')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      examples(
        'ota build add app-release.apk',
        'ota build add app-release.apk --id b43 --notes "fixes Wi-Fi"',
        'ota build add app-release.apk --no-upload',
      ),
    )
    .action((apk: string, options: AddOptions) => choose(io => addBuild(apk, options, io)));

  group
    .command('verify')
    .description(
      'Shows what an APK contains, or why Android would refuse it. Exit code 1 if it is rejected, 2 if it cannot be read.',
    )
    .argument('<file>', 'an APK')
    .option('--sdk <n>', 'check for one Android version (API level) only', sdkArgument)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      examples(
        'ota build verify app.apk',
        'ota build verify app.apk --sdk 33',
        'ota build verify app.apk --json | jq .sha256',
      ),
    )
    .action((file: string, options: { sdk?: number; json?: boolean }) =>
      choose(io =>
        runBuildVerify(
          path.resolve(io.cwd, file),
          { json: options.json === true, sdk: options.sdk, color: io.colour },
          io,
        ),
      ),
    );
};

const sdkArgument = (text: string): number => {
  const sdk = countArgument(1, 10_000)(text);
  if (sdk < 24) throw new InvalidArgumentError('Builds are for SDK 24 and up.');
  return sdk;
};
