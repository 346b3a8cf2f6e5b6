/**
 * Who did something, as the audit keeps it: `git:<revision>` for a merge, `admin:<token name>` for an operator's token,
 * `person:<subject> (<name>)` for somebody who signed in at the OpenID provider.
 */

/** The subject contains no space, so it can be read back whatever name the person chooses. */
export const actorOfPerson = (subject: string, name: string): string => `person:${subject} (${name})`;

/** The name to show for a human actor; undefined for Git and the gate. */
export function nameOfActor(actor: string): string | undefined {
  if (actor.startsWith('admin:')) return actor.slice('admin:'.length);
  return /^person:[^ ]+ \((.*)\)$/s.exec(actor)?.[1];
}

/** The stable identity behind an actor: a token name or `person:<subject>`, never a name that people choose. */
export const accountOfActor = (actor: string): string =>
  actor.startsWith('person:') ? actor.replace(/ .*$/s, '') : actor.replace(/^admin:/, '');
