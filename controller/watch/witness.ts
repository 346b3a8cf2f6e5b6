/** Other clocks: the `Date` that an https host sends. Asked only while our own clock is held (SPEC §2). */

/** The host's time, Unix ms; undefined when it cannot be reached or sends none. */
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
    return undefined; // not reached, or its certificate is not valid at our time: no witness
  }
}
