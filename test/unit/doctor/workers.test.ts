import { expect, test } from '@jest/globals';
import { ARRIVALS, CLOCK, SAME_VERSIONS, WORKER } from '../../../ts/doctor/workers.ts';

test('a worker that offers nothing is of no use', () => {
  const facts = { backend: 'torch', seconds: 2.34 };
  expect(WORKER.judge({ ...facts, capabilities: ['sample', 'train'] })).toEqual({
    status: 'ok',
    found: 'torch, there after 2.3 s, offers sample and train',
  });
  expect(WORKER.judge({ ...facts, capabilities: [] }).status).toBe('failed');
});

test('who did not come is missed, and who was turned away is told of', () => {
  const facts = { endpoint: 'tcp://0.0.0.0:5555', expected: 3 };
  expect(ARRIVALS.judge({ ...facts, came: 3 }).status).toBe('ok');
  const missed = ARRIVALS.judge({ ...facts, came: 2 });
  expect(missed).toMatchObject({
    status: 'failed',
    kind: 'unavailable',
    found: '2 of 3 dialled in at tcp://0.0.0.0:5555',
  });
  expect(missed.hint).toContain('rzero keys');
  const stranger = ARRIVALS.judge({
    ...facts,
    came: 0,
    turnedAway: 'the worker speaks protocol a, the orchestrator b',
  });
  expect(stranger.found).toContain('a peer was turned away: the worker speaks protocol a');
  expect(stranger.hint).toContain('the same checkout');
});

test.each([
  [0.04, 'ok', "0.0 s ahead of this machine's"],
  [-4.9, 'ok', '4.9 s behind'],
  [-61, 'warning', '61.0 s behind'],
  [7200, 'warning', '7200.0 s ahead of'],
])('a clock that is %d s ahead', (seconds, status, found) => {
  const verdict = CLOCK.judge({ seconds });
  expect(verdict.status).toBe(status);
  expect(verdict.found).toContain(found);
});

test('workers are to run on the same versions', () => {
  const a = { name: 'a', versions: { python: '3.11.7', torch: '2.13.0', vllm: '0.32.0' } };
  const b = { name: 'b', versions: { python: '3.11.7', torch: '2.13.0', numpy: '2' } };
  expect(SAME_VERSIONS.judge([a]).status).toBe('skipped');
  expect(SAME_VERSIONS.judge([a, b])).toMatchObject({ status: 'ok', found: 'the same on 2 workers' });
  const c = { name: 'c', versions: { python: '3.12.1', torch: '2.12.0' } };
  const verdict = SAME_VERSIONS.judge([a, b, c]);
  expect(verdict.status).toBe('warning');
  expect(verdict.found).toBe('python is 3.11.7 on a, b and 3.12.1 on c; torch is 2.13.0 on a, b and 2.12.0 on c');
});
