/** Small spellings of the wire: times are ISO 8601 in UTC, what is unknown is null. */

export const isoTime = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString();
