/** Sends a body at the receiver's pace. Stops when the receiver disconnects, stalls, or loses its permission. */
import type { ServerResponse } from 'node:http';

export type Ending = 'sent' | 'aborted' | 'stalled' | 'stopped';

/** Resolves when more may be written, the receiver has gone, or it took nothing for `stallMs`. */
function drained(res: ServerResponse, stallMs: number): Promise<Ending | 'drained'> {
  return new Promise(resolve => {
    const settle = (ending: Ending | 'drained') => {
      clearTimeout(timer);
      res.off('drain', onDrain).off('finish', onDrain).off('close', onClose);
      resolve(ending);
    };
    const onDrain = () => settle('drained');
    const onClose = () => settle('aborted');
    const timer = setTimeout(() => settle('stalled'), stallMs);
    res.on('drain', onDrain).on('finish', onDrain).on('close', onClose);
    if (res.destroyed || res.closed) onClose();
  });
}

/**
 * Sends the pieces and ends the response; on any other ending the connection is cut, since a length was promised.
 * `allowed` is asked before every piece. `bytes` counts the pieces that were taken off our hands.
 */
export async function sendPieces(
  res: ServerResponse,
  pieces: AsyncIterable<Buffer>,
  options: { stallMs: number; allowed: () => boolean },
): Promise<{ ending: Ending; bytes: number }> {
  let bytes = 0;
  const cut = (ending: Ending) => {
    res.destroy();
    return { ending, bytes };
  };
  for await (const piece of pieces) {
    if (res.destroyed) return cut('aborted');
    if (!options.allowed()) return cut('stopped');
    if (!res.write(piece)) {
      const ending = await drained(res, options.stallMs);
      if (ending !== 'drained') return cut(ending);
    }
    bytes += piece.length;
  }
  res.end();
  const ending = res.writableFinished ? 'drained' : await drained(res, options.stallMs);
  return ending === 'drained' ? { ending: 'sent', bytes } : cut(ending);
}
