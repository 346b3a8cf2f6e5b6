/** `ota restore FILE.tar`: makes a data folder from a full backup; with --check it only verifies the backup. */
import path from 'node:path';
import { countText } from '../domain/plan/words.ts';
import type { Backups, CheckedBackup } from './backup.ts';
import { EXIT, type ExitCode, type Io, jsonText, outJson } from './io.ts';
import { examples, type Verb } from './program.ts';
import { type OutOption, outOption, withSecretFile } from './secret-file.ts';

interface RestoreOptions extends OutOption {
  readonly data: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

export const restore =
  (backups: Backups): Verb =>
  (program, choose) => {
    outOption(program.command('restore'))
      .summary('make a data folder from a full backup, or verify one')
      .description(
        'Makes a data folder from a file of `ota backup --full`. Stop the controller first and move its old data folder\n' +
          'away. Revokes every operator token and prints a new one, once. Devices that renewed their token after the backup\n' +
          'can still use it for 30 days. The brake is on until ota resume. docs/operations.md describes the whole procedure.',
      )
      .argument('<file>', 'the tar file')
      .option('--data <dir>', 'the data folder to make; one with a database is never overwritten', 'data')
      .option('--check', 'only verify the file: hashes, database, schema; nothing is changed')
      .option('--json', 'print JSON')
      .addHelpText(
        'after',
        examples('ota restore --check /backups/ota.tar', 'ota restore /backups/ota.tar --data /var/lib/ota'),
      )
      .action((file: string, options: RestoreOptions) =>
        choose(io => withSecretFile(options, io, kept => runRestore(backups, file, options, kept))),
      );
  };

async function runRestore(
  backups: Backups,
  file: string,
  options: RestoreOptions,
  io: Io,
): Promise<ExitCode> {
  const from = path.resolve(io.cwd, file);
  if (options.check === true) {
    const checked = await backups.check(from);
    if (options.json === true) outJson(io, backupJson(checked));
    else io.out(`${summary(checked)}\nThe backup is whole.\n`);
    return EXIT.fine;
  }
  const folder = path.resolve(io.cwd, options.data);
  const { adminToken, ...checked } = await backups.restore(from, folder, io.nowMs());
  const cure = `remove ${folder}, which was just made, and restore again`;
  io.outOnce(
    options.json === true ? jsonText({ ...backupJson(checked), admin_token: adminToken }) : `${adminToken}\n`,
    cure,
  );
  io.err(`${summary(checked)}\n${nextSteps(folder, checked)}`);
  return EXIT.fine;
}

const backupJson = ({ madeAt, devices, revision, artifacts, missing, keys }: CheckedBackup) => ({
  made_at: madeAt,
  devices,
  revision: revision ?? null,
  artifacts,
  missing: missing.map(({ sha256, buildId }) => ({ sha256, build_id: buildId ?? null })),
  keys,
});

const summary = ({ madeAt, devices, revision, artifacts, missing, keys }: CheckedBackup): string =>
  [
    `made ${madeAt}, revision ${revision ?? 'none'}, ${countText(devices, 'device')}`,
    `${countText(artifacts, 'APK')}${missing.length === 0 ? '' : `, ${missing.length} only listed`}, keys: ${keys.join(', ') || 'none'}`,
  ].join('\n');

const nextSteps = (folder: string, { madeAt, missing, keys }: CheckedBackup): string =>
  [
    `restored to ${folder}. The line above is the only operator token: put it into OTA_ADMIN_TOKEN. It expires after 30 days.`,
    ...(keys.length > 0
      ? []
      : [`Put token-key and nudge-key into ${folder} before the start, or devices are refused.`]),
    ...(missing.length === 0
      ? []
      : [
          'These APKs are not in the backup. Their builds are not offered to any device until the APKs are stored again:',
          ...missing.map(({ sha256, buildId }) => `  ${buildId ?? 'no build'}  ${sha256}`),
          `Copy each to ${path.join(folder, 'artifacts')}/<sha256>.apk before the start, or upload it afterwards:`,
          '  curl -fT FILE.apk -H "Content-Type: application/octet-stream" \\\n    -H "Authorization: Bearer $OTA_ADMIN_TOKEN" "$OTA_URL/v1/artifacts/<sha256>"',
        ]),
    'The brake is on: the current build is not offered to any device. Check ota status, then: ota resume --reason "…"',
    `Changes after ${madeAt} are lost. If any of these were made since then, make them again:`,
    '  - revoked or deleted devices, and changed tags',
    '  - enrolled devices, and imported tokens',
    '  - operator tokens',
    '  - brakes and halts of a gate, before you resume',
    '',
  ].join('\n');
