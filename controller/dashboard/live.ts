/** Notifies open pages of changes by server-sent events; the pages then fetch the new content themselves. */
import { setTimeout as pause } from 'node:timers/promises';
import type { PageAnswer, PageRequest } from '../ports/index.ts';

interface LiveOptions {
  /** A text that changes whenever a page would look different. */
  readonly version: () => string;
  /** True while the viewer of the stream may still look. */
  readonly isGood: (request: PageRequest) => Promise<boolean>;
}

interface Live {
  answer(request: PageRequest): PageAnswer;
  /** Ends all streams and accepts no new ones. */
  stop(): void;
}

const LOOK_MS = 1_000;
/** Ping interval, shorter than the idle limit of proxies. */
const BEAT_LOOKS = 20;
/** Limit, because each stream holds a connection. */
const MOST_STREAMS = 200;

export function makeLive({ version, isGood }: LiveOptions): Live {
  const stopping = new AbortController();
  let open = 0;

  async function* stream(request: PageRequest): AsyncGenerator<string> {
    const end = AbortSignal.any([stopping.signal, request.gone]);
    open += 1;
    try {
      yield 'retry: 3000\n\n';
      let told: string | undefined;
      for (let looks = 0; !end.aborted; looks += 1) {
        // If the store fails, the stream ends. The page then asks again and learns whether its session is still valid.
        const good = await isGood(request).catch(() => undefined);
        if (good === undefined) return;
        if (!good) {
          yield 'event: over\ndata: signed out\n\n';
          return;
        }
        const now = version();
        if (now !== told) yield `event: version\ndata: ${now}\n\n`;
        else if (looks % BEAT_LOOKS === 0) yield ':\n\n';
        told = now;
        await pause(LOOK_MS, undefined, { signal: end, ref: false }).catch(() => undefined);
      }
    } finally {
      open -= 1;
    }
  }

  return {
    answer: request => {
      const full = open >= MOST_STREAMS || stopping.signal.aborted;
      return {
        status: full ? 503 : 200,
        headers: {
          'Content-Type': full ? 'text/plain' : 'text/event-stream',
          'Cache-Control': 'no-store',
          // Otherwise nginx would buffer events until its buffer is full.
          'X-Accel-Buffering': 'no',
          ...(full && { 'Retry-After': '10' }),
        },
        body: full ? 'too many open pages' : stream(request),
      };
    },
    stop: () => stopping.abort(),
  };
}
