/** The messages of `ota build add` for a signed APK that has other problems. */
import { type Concern, HINTS } from '../apk/index.ts';
import { type Io, paint } from './io.ts';
import { visible } from './problem-formats.ts';

/**
 * Prints the concerns on standard error. Returns false if one of them refuses the APK. An APK that is already declared
 * is never refused, because the fleet may run it.
 */
export function acceptable(concerns: readonly Concern[], declared: boolean, io: Io): boolean {
  const { red, yellow } = paint(io);
  let fine = true;
  for (const { severity, code, message } of concerns) {
    const refuses = severity === 'error' && !declared;
    fine &&= !refuses;
    const head = refuses ? red('refused') : yellow('warning');
    io.err(`${head}: ${visible(message)} [${code}]\n  hint: ${HINTS[code]}\n`);
  }
  return fine;
}
