/** Expected against measured: one row a claim, and the demo's verdict. */
export interface Figure {
  readonly name: string;
  readonly expected: number;
  readonly measured: number;
  readonly ok: boolean;
  /** Shown after the row: shares, times. */
  readonly note: string;
}

export class Figures {
  readonly rows: Figure[] = [];
  readonly #tell: (figure: Figure) => void;

  /** `tell` is called with each figure as soon as it is known. */
  constructor(tell: (figure: Figure) => void) {
    this.#tell = tell;
  }

  #add(figure: Figure): void {
    this.rows.push(figure);
    this.#tell(figure);
  }

  /** Exactly this number. */
  count(name: string, expected: number, measured: number, note = ''): void {
    this.#add({ name, expected, measured, ok: expected === measured, note });
  }

  /** The very same devices, not merely as many. */
  devices(name: string, expected: readonly string[], measured: readonly string[], note = ''): void {
    const same =
      expected.length === measured.length &&
      [...expected].sort().every((id, i) => id === [...measured].sort()[i]);
    this.#add({
      name,
      expected: expected.length,
      measured: measured.length,
      ok: same,
      note: same ? note : `${note} other devices`.trim(),
    });
  }

  get ok(): boolean {
    return this.rows.every(r => r.ok);
  }
}

export function renderFigures({ rows }: Figures, color: boolean): string {
  const paint = (ok: boolean, text: string): string =>
    color ? `\u001b[${ok ? 32 : 31}m${text}\u001b[0m` : text;
  const width = Math.max(...rows.map(r => r.name.length));
  const line = (name: string, expected: string, measured: string, rest: string) =>
    `  ${name.padEnd(width)}  ${expected.padStart(9)}  ${measured.padStart(9)}  ${rest}`.trimEnd();
  return [
    line('', 'expected', 'measured', ''),
    ...rows.map(r =>
      line(r.name, String(r.expected), String(r.measured), `${paint(r.ok, r.ok ? 'ok ' : 'OFF')} ${r.note}`),
    ),
  ].join('\n');
}
