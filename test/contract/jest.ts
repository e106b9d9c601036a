import { afterAll, describe, test } from '@jest/globals';
import type { ContractOptions } from '../../ts/contract/context.ts';
import type { Outcome } from '../../ts/contract/outcome.ts';
import { ContractRunner, skipReason } from '../../ts/contract/runner.ts';
import { CASES } from '../../ts/contract/suite.ts';

/** Seconds; Jest waits a little longer, so that what it shows is the runner's own account. */
const DEADLINE = 60;

/** The worker contract as Jest tests. One worker serves all cases, since starting one may take seconds. */
export function runContract(name: string, options: ContractOptions): void {
  for (const id of options.skip?.keys() ?? []) {
    if (!CASES.some((one) => one.id === id)) throw new Error(`the contract has no case "${id}" to skip`);
  }
  describe(`the contract holds for ${name}`, () => {
    const runner = new ContractRunner({ ...options, deadline: DEADLINE });
    afterAll(() => runner.close(), DEADLINE * 1000);
    for (const one of CASES) {
      const reason = skipReason(one, options);
      if (reason !== undefined) {
        test.skip(`${one.title} (not here: ${reason})`, () => {});
        continue;
      }
      test(
        one.title,
        async () => {
          const outcome = await runner.run(one);
          if (outcome.status !== 'passed') throw new Error(explain(outcome));
        },
        (DEADLINE + 20) * 1000,
      );
    }
  });
}

/** A case that did not pass; one that was left out at a late hour proves nothing either. */
function explain(outcome: Exclude<Outcome, { status: 'passed' }>): string {
  if (outcome.status !== 'failed') return `${outcome.status}: ${outcome.reason}`;
  const { subject, expected, actual, sent, details = '' } = outcome.failure;
  return [`${subject || 'the case'}: expected ${expected}, came back ${actual}`, ...sent, details].join('\n');
}
