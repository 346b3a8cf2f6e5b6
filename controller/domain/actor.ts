/**
 * Who did something, as the audit keeps it: `git:<revision>` for a merge, `admin:<token name>` for an operator's token,
 * `person:<subject> (<name>)` for somebody who signed in at the OpenID provider.
 */

/** The subject holds no space: whatever name a person chooses, who they are is read back from the front. */
export const actorOfPerson = (subject: string, name: string): string => `person:${subject} (${name})`;

/** As people call who it was; undefined: it was no human. */
export function nameOfActor(actor: string): string | undefined {
  if (actor.startsWith('admin:')) return actor.slice('admin:'.length);
  return /^person:[^ ]+ \((.*)\)$/s.exec(actor)?.[1];
}

/** What an account elsewhere may be tied to: the name of a token, or `person:<subject>`; never a name that people choose. */
export const accountOfActor = (actor: string): string =>
  actor.startsWith('person:') ? actor.replace(/ .*$/s, '') : actor.replace(/^admin:/, '');
