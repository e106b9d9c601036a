import { describe, expect as jest, test } from '@jest/globals';
import fc from 'fast-check';
import * as expect from '../../../ts/contract/expect.ts';
import { ContractFailure } from '../../../ts/contract/expect.ts';
import { WorkerCallError } from '../../../ts/worker/errors.ts';

/** What a failed expectation says. */
function failure(check: () => void): { subject: string; expected: string; actual: string } {
  try {
    check();
  } catch (error) {
    if (error instanceof ContractFailure) return error;
    throw error;
  }
  throw new Error('it held');
}

describe('equality', () => {
  test('names the first place that differs', () => {
    const was = { texts: ['a', 'b'], tokens: Int32Array.of(1, 2) };
    const other = { texts: ['a', 'c'], tokens: Int32Array.of(1, 2) };
    jest(failure(() => expect.equal('the answer', was, other))).toMatchObject({
      subject: 'the answer',
      expected: 'texts[1] = "c"',
      actual: 'texts[1] = "b"',
    });
    const longer = { ...was, tokens: Int32Array.of(1, 2, 3) };
    jest(failure(() => expect.equal('the answer', was, longer)).expected).toBe('tokens = Int32[3] (1, 2, 3)');
  });

  test('holds of equal lists, and names whichever entry was changed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.nat(), (list, place) => {
        const at = place % list.length;
        const changed = list.with(at, (list[at] as number) + 1);
        expect.equal('a list', { list }, { list: [...list] });
        jest(failure(() => expect.equal('a list', { list }, { list: changed })).actual).toMatch(`list[${at}] = `);
      }),
    );
  });
});

describe('bounds', () => {
  test.each([
    ['at most', () => expect.atMost('x', 2, 1), 'at most 1'],
    ['below', () => expect.below('x', 1, 1), 'below 1'],
    ['above', () => expect.above('x', 1, 1), 'above 1'],
    ['near', () => expect.near('x', 1.2, 1, 0.1), '1 within 0.1'],
    ['NaN is near nothing', () => expect.near('x', Number.NaN, 1, 0.1), '1 within 0.1'],
    ['includes', () => expect.includes('x', ['a'], 'b'), 'a list with "b"'],
    ['differs', () => expect.differs('x', [1], [1]), 'something else than [1]'],
  ])('%s', (_, check, expected) => {
    jest(failure(check)).toMatchObject({ subject: 'x', expected });
  });

  test('those that hold say nothing', () => {
    expect.atMost('x', 1, 1);
    expect.below('x', 0, 1);
    expect.above('x', 2, 1);
    expect.near('x', 1.1, 1, 0.2);
    expect.includes('x', ['a'], 'a');
    expect.differs('x', [1], [2]);
    expect.matches('x', 'a colour', /colour/);
  });
});

describe('lists of log-probs', () => {
  test('name the worst entry', () => {
    const check = () => expect.alike('log-probs', [[-1], [-2, -3.5]], [[-1.001], [-2, -3]], 0.01);
    jest(failure(check)).toMatchObject({
      expected: '-3 at sequence 1, token 1, within 0.01',
      actual: '-3.5, which is 0.5 apart',
    });
  });

  test('of other lengths are not alike, nor is NaN like anything', () => {
    jest(failure(() => expect.alike('log-probs', [[1, 2]], [[1], [2]], 1)).subject).toBe('log-probs, how many');
    jest(failure(() => expect.alike('log-probs', [[Number.NaN]], [[0]], 1)).actual).toMatch(/^NaN/);
    jest(expect.distance([[1, 2]], [[1], [2]])).toBe(Number.POSITIVE_INFINITY);
  });

  test('shifted by less than the tolerance are alike, by more they are not', () => {
    const rows = fc.array(fc.array(fc.integer({ min: -50, max: 0 }), { minLength: 1 }), { minLength: 1 });
    fc.assert(
      fc.property(rows, (list) => {
        const shifted = list.map((row) => row.map((value) => value + 0.5));
        jest(expect.distance(list, shifted)).toBe(0.5);
        expect.alike('log-probs', list, shifted, 0.6);
        failure(() => expect.alike('log-probs', list, shifted, 0.4));
      }),
    );
  });
});

describe('calls that must fail', () => {
  const refused = () => Promise.reject(new WorkerCallError('invalid_request', 'n: saw 0'));

  test('with the code and the name', async () => {
    await expect.fails('n = 0', refused(), 'invalid_request', /\bn\b/);
    await expect.fails('n = 0', refused(), 'invalid_request', 'saw 0');
  });

  test.each([
    ['an answer', Promise.resolve({ texts: [] }), 'the answer {texts: []}'],
    ['another code', Promise.reject(new WorkerCallError('internal', 'oh')), 'internal: oh'],
    ['another name', Promise.reject(new WorkerCallError('invalid_request', 'seeds')), 'seeds'],
  ])('%s is a failure', async (_, call, actual) => {
    const check = expect.fails('n = 0', call, 'invalid_request', /\bn\b/);
    await jest(check).rejects.toMatchObject({ subject: 'n = 0', actual });
  });

  test('an error of our own is not taken for one of the worker', async () => {
    await jest(expect.fails('x', Promise.reject(new TypeError('bug')), 'internal')).rejects.toThrow(TypeError);
  });
});
