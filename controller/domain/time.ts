/** Moments as people write them in the YAML and on the command line. */

const TIME = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339 with its offset → Unix ms. Undefined for anything else, for a day such as 30 February, and for leap seconds. */
export function parseTime(text: string): number | undefined {
  const day = Number(text.slice(8, 10));
  if (!TIME.test(text) || Number(text.slice(5, 7)) > 12) return undefined;
  // Date.parse moves 31 April to 1 May instead of refusing it.
  const lastDay = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  const ms = Date.parse(text.toUpperCase());
  return day <= lastDay && Number.isFinite(ms) ? ms : undefined;
}
