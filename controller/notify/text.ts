/** Makes text from people safe for one line of a message. */

const CUT = '…';
/** Control, bidi and zero-width characters, line and paragraph separators, unpaired surrogates. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/** The text on one line, without characters that hide or reorder others. */
export const plain = (text: string): string =>
  text
    .replace(/[\t\n\r]+/g, ' ')
    .replace(UNSEEN, '')
    .replace(/ {2,}/g, ' ')
    .trim();

/** At most `most` characters (UTF-16 code units) after escaping. A cut text ends in `…`. */
export function fit(text: string, most: number, escaped: (character: string) => string = c => c): string {
  let out = '';
  for (const character of plain(text)) {
    const next = escaped(character);
    if (out.length + next.length > most) return cutAt(out, most);
    out += next;
  }
  return out;
}

/** Never cuts inside an escape. Our escapes start with `&`, end in `;` and contain no other `&`. */
function cutAt(text: string, most: number): string {
  let out = text;
  while (out.length + CUT.length > most) out = out.replace(/(&[a-z]+;|[\s\S])$/u, '');
  return out + CUT;
}

/** `3f0c12ab90de`; a folder's content hash keeps its prefix. */
export const shortRevision = (revision: string): string =>
  revision.replace(/[0-9a-f]{40,}$/, h => h.slice(0, 12));
