/**
 * Collects the answers of one turn of the event loop and sends them together at its end. Writing each answer at once
 * would wake a sleeping client while more requests wait to be read. At saturation that costs more than the whole
 * decision.
 */

interface TurnOptions<Answer> {
  readonly send: (answer: Answer) => void;
  /** Called after all answers of the turn were sent. */
  readonly record: (answer: Answer) => void;
  /** Called for an answer that could not be sent. The other answers of its turn are still sent. */
  readonly failed: (answer: Answer, error: unknown) => void;
  /** How many answers may wait for one another. One more, and all are sent at once. */
  readonly most: number;
  readonly atEnd: (run: () => void) => void;
}

/** Takes an answer that is ready. Answers are sent in the order they came in, at the end of this turn at the latest. */
export function makeTurn<Answer>(options: TurnOptions<Answer>): (answer: Answer) => void {
  const { send, record, failed, most, atEnd } = options;
  let waiting: Answer[] = [];
  let arranged = false;

  function sendAll(): void {
    const answers = waiting;
    waiting = [];
    for (const answer of answers) {
      try {
        send(answer);
      } catch (error) {
        failed(answer, error);
      }
    }
    for (const answer of answers) record(answer);
  }

  return answer => {
    waiting.push(answer);
    if (waiting.length >= most) sendAll();
    if (arranged || waiting.length === 0) return;
    arranged = true;
    atEnd(() => {
      arranged = false;
      sendAll();
    });
  };
}
