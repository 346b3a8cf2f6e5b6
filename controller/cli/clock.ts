/** `ota clock confirm`: an operator confirms that the controller's wall clock is right. */
import { controllerClient } from './client.ts';
import { EXIT, outJson } from './io.ts';
import { examples, type Verb } from './program.ts';

interface Confirmed {
  readonly was_held: boolean;
  readonly now: string;
}

export const clock: Verb = (program, choose) => {
  program
    .command('clock')
    .summary('confirm the clock of a controller that holds its rollouts')
    .description(
      'A controller stops widening rollouts when its wall clock jumps, or when it starts more than 7 days after it last\n' +
        'ran. It continues by itself once the clock is right, or once its https source or GitHub shows the same time.',
    )
    .addHelpText('after', examples('ota clock confirm'))
    .command('confirm')
    .description(
      "Confirms that the controller's clock is right. Check it first: rollouts continue by this clock. Needs scope admin.",
    )
    .option('--json', 'print JSON')
    .addHelpText('after', examples('date -u; ota clock confirm'))
    .action((options: { json?: boolean }) =>
      choose(async io => {
        const { json } = await controllerClient(io).call({ method: 'POST', path: '/v1/clock/confirm' });
        const answer = json as Confirmed;
        if (options.json === true) outJson(io, answer);
        else
          io.out(
            answer.was_held
              ? `the clock is trusted again: ${answer.now}\n`
              : `the clock was not held: ${answer.now}\n`,
          );
        return EXIT.fine;
      }),
    );
};
