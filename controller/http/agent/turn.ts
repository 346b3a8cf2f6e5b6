/**
 * Answers of one turn of the event loop, sent together at its end. Each answer that is written at once wakes a client
 * that sleeps, while more requests wait to be read: at saturation that costs more than the whole decision.
 */

interface TurnOptions<Answer> {
  readonly send: (answer: Answer) => void;
  /** Called after all answers of the turn were sent. */
  readonly record: (answer: Answer) => void;
  /** An answer that could not be sent; the others of its turn are sent all the same. */
  readonly failed: (answer: Answer, error: unknown) => void;
  /** Answers that may wait for one another; one more and they are sent at once. */
  readonly most: number;
  readonly atEnd: (run: () => void) => void;
}

/** Takes an answer that is ready. In the order they come in, answers are sent no later than at the end of this turn. */
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
