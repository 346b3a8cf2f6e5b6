/** Log lines for people: what a terminal shows instead of JSON. Loaded only where it is used. */

/** Turns a line of our log into a line to read, newline included. */
export type Pretty = (line: string) => string;

export async function prettyLines(colour: boolean): Promise<Pretty> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({
    colorize: colour,
    messageKey: 'event',
    timestampKey: 'time',
    translateTime: 'UTC:HH:MM:ss',
    singleLine: true,
  });
}
