/** `ota artifact copy`: copies stored APKs from one folder or bucket to another. */
import { bytesText, countText } from '../domain/plan/words.ts';
import { EXIT, type ExitCode, type Io } from './io.ts';

/** The result for one APK. */
export interface CopiedApk {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly result: 'copied' | 'present' | 'damaged';
}

/** The work of this verb, done by the artifact store. Faults name what is wrong. */
export interface ApkCopies {
  copy(from: string, to: string, onCopied: (one: CopiedApk) => void): Promise<readonly CopiedApk[]>;
}

export interface ApkCopyOptions {
  readonly from: string;
  readonly to: string;
}

export async function runCopy(copies: ApkCopies, { from, to }: ApkCopyOptions, io: Io): Promise<ExitCode> {
  const told = ({ sha256, sizeBytes, result }: CopiedApk): void => {
    if (result === 'copied') io.err(`copied ${sha256} (${bytesText(sizeBytes)})\n`);
    if (result === 'damaged')
      io.err(
        `damaged ${sha256}: its content does not match its hash, so it was not copied. Upload it again\n`,
      );
  };
  const all = await copies.copy(from, to, told);
  const of = (result: CopiedApk['result']) => all.filter(one => one.result === result);
  const damaged = of('damaged').length;
  const bad = damaged > 0 ? `, ${damaged} damaged` : '';
  io.out(`${countText(of('copied').length, 'APK')} copied, ${of('present').length} already there${bad}\n`);
  return damaged > 0 ? EXIT.invalid : EXIT.fine;
}
