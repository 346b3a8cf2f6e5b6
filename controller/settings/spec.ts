/** Defines a setting: how its text is read, its default, and what a valid value looks like. */
import { parseDuration } from '../domain/duration.ts';
import { Secret } from './secret.ts';

export type Parse<T> = (text: string) => T | undefined;

export interface Spec<T> {
  readonly parse: Parse<T>;
  readonly fallback: T;
  /** What a valid value looks like, for the error text and the docs. */
  readonly form: string;
  readonly secret?: boolean;
  readonly about: string;
}

export const text: Parse<string> = value => (value.trim() === '' ? undefined : value.trim());
export const flag: Parse<boolean> = value =>
  ({ true: true, '1': true, yes: true, on: true, false: false, '0': false, no: false, off: false })[
    value.trim().toLowerCase()
  ];
export const whole =
  (min: number, max: number): Parse<number> =>
  value => {
    const n = Number(value);
    return /^\d+$/.test(value.trim()) && n >= min && n <= max ? n : undefined;
  };

export const url: Parse<string> = value => {
  try {
    const parsed = new URL(value);
    const plain =
      parsed.username === '' && parsed.password === '' && parsed.search === '' && parsed.hash === '';
    return plain && /^https?:$/.test(parsed.protocol) ? parsed.href.replace(/\/$/, '') : undefined;
  } catch {
    return undefined; // not a URL: the caller names the setting
  }
};

export const optional = <T>(parse: Parse<T>, form: string, about: string): Spec<T | undefined> => ({
  parse,
  fallback: undefined,
  form,
  about,
});
export const secret = (about: string): Spec<Secret | undefined> => ({
  parse: value => (value.trim() === '' ? undefined : new Secret(value.trim())),
  fallback: undefined,
  form: 'a secret; the same name with _FILE takes the path of a file that holds it',
  secret: true,
  about,
});
export const setting = <T>(parse: Parse<T>, fallback: T, form: string, about: string): Spec<T> => ({
  parse,
  fallback,
  form,
  about,
});
/** `from` and `to` are written as a person would write them; both are included. */
export const duration = (fallback: number, from: string, to: string, about: string): Spec<number> => {
  const [min = 0, max = 0] = [from, to].map(parseDuration);
  const parse: Parse<number> = value => {
    const ms = parseDuration(value.trim());
    return ms !== undefined && ms >= min && ms <= max ? ms : undefined;
  };
  return setting(parse, fallback, `a duration from ${from} to ${to}, like 30s, 5m, 6h, 90d`, about);
};
export const number = (fallback: number, min: number, max: number, about: string): Spec<number> =>
  setting(whole(min, max), fallback, `a whole number from ${min} to ${max}`, about);

/** `ann=octo-ann, person:00u1ab=octo-bob`: GitHub logins by the name of an operator's token, or by a person's subject. */
export const logins: Parse<ReadonlyMap<string, string>> = value => {
  const found = new Map<string, string>();
  for (const part of value.split(',').map(p => p.trim())) {
    if (part === '') continue;
    const [, name, login] =
      /^([A-Za-z0-9][A-Za-z0-9._@-]{0,63}|person:[\x21-\x7e]{1,255})=([A-Za-z0-9][A-Za-z0-9-]{0,38})$/.exec(
        part,
      ) ?? [];
    if (name === undefined || login === undefined || found.has(name)) return undefined;
    found.set(name, login);
  }
  return found;
};
