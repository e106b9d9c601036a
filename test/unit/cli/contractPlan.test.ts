import { expect, test } from '@jest/globals';
import { planContract } from '../../../ts/cli/contractPlan.ts';
import { EMBEDDED_MODEL } from '../../../ts/cli/places.ts';
import { CASES } from '../../../ts/contract/suite.ts';

test('workers of this package need nothing but their name', () => {
  expect(planContract({ worker: 'mock' }, '/')).toMatchObject({
    subject: { backend: 'mock' },
    source: 'mock://babble',
    tolerance: 1e-5,
    cases: CASES,
    deadline: 60,
    wait: 300,
    threads: 1,
  });
  expect(planContract({ worker: 'torch' }, '/')).toMatchObject({ source: EMBEDDED_MODEL, tolerance: 1e-4 });
});

test('a command is split into words, an address is taken as it is', () => {
  const command = planContract({ worker: `./mine 'a b'`, source: 'x' }, '/');
  expect(command.subject).toEqual({ command: ['./mine', 'a b'] });
  const listening = planContract({ listen: 'tcp://127.0.0.1:5700', source: 'x', tolerance: '0.5' }, '/');
  expect(listening).toMatchObject({
    subject: { address: 'tcp://127.0.0.1:5700', keys: undefined },
    source: 'x',
    tolerance: 0.5,
  });
});

test('cases are chosen by id and keep their order; what is skipped has a reason', () => {
  const plan = planContract({ worker: 'mock', only: ['shutdown', 'hello'], skip: ['texts=none = yet'] }, '/');
  expect(plan.cases.map(({ id }) => id)).toEqual(['hello', 'shutdown']);
  expect([...plan.skip]).toEqual([['texts', 'none = yet']]);
});

test.each([
  [{}, /either --worker .* or --listen/],
  [{ worker: 'mock', listen: 'tcp://127.0.0.1:1' }, /not both/],
  [{ worker: './mine' }, /^--source MODEL is required/],
  [{ worker: '  ' }, /^--worker: saw an empty command, allowed are mock, torch, vllm, or/],
  [{ worker: `./mine 'x` }, /^--worker: the quote ' is not closed in \.\/mine 'x/],
  [{ listen: 'tcp://127.0.0.1:70000' }, /^address "tcp:\/\/127\.0\.0\.1:70000": allowed is/],
  [{ worker: 'mock', keys: 'k' }, /^--keys FOLDER goes with --listen/],
  [{ worker: 'mock', only: ['helo'] }, /^--only: there is no case helo \(is hello meant\?\); allowed are .*greedy/],
  [{ worker: 'mock', skip: ['nothing=why'] }, /^--skip: there is no case nothing/],
  [{ worker: 'mock', skip: ['hello'] }, /^--skip: saw hello, allowed is ID=REASON/],
  [{ worker: 'mock', skip: ['hello= '] }, /^--skip: saw hello= , allowed is ID=REASON/],
  [{ worker: 'mock', tolerance: 'much' }, /^--tolerance: saw much, allowed is a number above 0/],
  [{ worker: 'mock', deadline: '0' }, /^--deadline: saw 0/],
  [{ worker: 'mock', threads: '-1' }, /^--threads: saw -1/],
])('%j is a wrong usage', (flags, message) => {
  expect(() => planContract(flags, '/')).toThrow(message);
});
