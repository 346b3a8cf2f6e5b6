/** Removes device ids from free text: a reason may name the tablet it is about. */
import type { Notice } from './notice.ts';

/** The longest run of characters that device ids consist of (SPEC §3). */
const RUN = /[A-Za-z0-9._:-]+/g;
/** Punctuation that may follow an id in a sentence. */
const SEPARATOR = /([.:,]+)/;
const HIDDEN = '[device]';

export type IsDevice = (word: string) => boolean;

export const withoutDevices = (text: string, isDevice: IsDevice): string =>
  text.replace(RUN, run => {
    if (isDevice(run)) return HIDDEN;
    const [, stem = '', tail = ''] = /^(.*?)([._:-]*)$/.exec(run) ?? [];
    if (stem !== '' && isDevice(stem)) return HIDDEN + tail;
    return run
      .split(SEPARATOR)
      .map(part => (isDevice(part) ? HIDDEN : part))
      .join('');
  });

/** The notice with device ids removed from its free texts; ids of builds and revisions stay. */
export function deviceFree(notice: Notice, isDevice: IsDevice): Notice {
  const clean = (text: string): string => withoutDevices(text, isDevice);
  switch (notice.kind) {
    case 'applied':
    case 'reverted':
      return { ...notice, reason: notice.reason === undefined ? undefined : clean(notice.reason) };
    case 'halted':
      return { ...notice, reason: clean(notice.reason) };
    case 'refused':
      return { ...notice, problems: notice.problems.map(p => ({ ...p, file: clean(p.file) })) };
    case 'completed':
    case 'failure_spike':
    case 'test':
      return notice;
  }
}
