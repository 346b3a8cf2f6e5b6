/** Sends a body at the receiver's pace. Stops when the receiver disconnects, stalls, or loses its permission. */
import type { ServerResponse } from 'node:http';

export type Ending = 'sent' | 'aborted' | 'stalled' | 'stopped';

interface SendOptions {
  /** A receiver that takes no byte for this long is given up. A slow receiver is not. */
  readonly stallMs: number;
  /** Asked before each piece, and every second while waiting for the receiver. */
  readonly allowed: () => boolean;
}

const ASK_EVERY_MS = 1_000;

/** Resolves when more may be written, or with the reason to stop. */
function drained(res: ServerResponse, { allowed }: SendOptions): Promise<Ending | 'drained'> {
  return new Promise(resolve => {
    const settle = (ending: Ending | 'drained') => {
      clearInterval(asking);
      res.off('drain', onDrain).off('finish', onDrain).off('close', onClose).off('timeout', onTimeout);
      resolve(ending);
    };
    const onDrain = () => settle('drained');
    const onClose = () => settle('aborted');
    const onTimeout = () => settle('stalled');
    const asking = setInterval(() => {
      if (!allowed()) settle('stopped');
    }, ASK_EVERY_MS);
    res.on('drain', onDrain).on('finish', onDrain).on('close', onClose).on('timeout', onTimeout);
    if (res.destroyed || res.closed) onClose();
  });
}

/**
 * Sends the pieces and ends the response. On any other ending the connection is cut, since a length was promised.
 * `bytes` counts whole pieces that were handed to the connection.
 */
export async function sendPieces(
  res: ServerResponse,
  pieces: AsyncIterable<Buffer>,
  options: SendOptions,
): Promise<{ ending: Ending; bytes: number }> {
  let bytes = 0;
  const cut = (ending: Ending) => {
    res.destroy();
    return { ending, bytes };
  };
  // Node's own socket timer: it starts anew whenever bytes leave, also in the middle of a piece.
  res.setTimeout(options.stallMs);
  for await (const piece of pieces) {
    if (res.destroyed) return cut('aborted');
    if (!options.allowed()) return cut('stopped');
    if (!res.write(piece)) {
      const ending = await drained(res, options);
      if (ending !== 'drained') return cut(ending);
    }
    bytes += piece.length;
  }
  res.end();
  const ending = res.writableFinished ? 'drained' : await drained(res, options);
  return ending === 'drained' ? { ending: 'sent', bytes } : cut(ending);
}
