/** Reads the `Date` header of an https host as a second clock. Used only while our own clock is held (SPEC §2). */

/** The host's time, Unix ms. Undefined if the host cannot be reached or sends no `Date`. */
export async function dateOf(url: string, timeoutMs = 10_000): Promise<number | undefined> {
  try {
    const answer = await fetch(url, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const date = Date.parse(answer.headers.get('date') ?? '');
    return Number.isNaN(date) ? undefined : date;
  } catch {
    return undefined; // unreachable, or its certificate is not valid at our time
  }
}
