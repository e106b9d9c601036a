import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readPairs } from '../../../ts/bench/answers/file.ts';
import { OURS } from '../../../ts/bench/answers/grader.ts';
import { HOSTILE } from '../../../ts/bench/answers/hostile.ts';
import { parseOptions } from '../../../ts/bench/answers/options.ts';
import { KINDS, makePairs } from '../../../ts/bench/answers/pairs.ts';
import { score } from '../../../ts/bench/answers/score.ts';
import { formatKinds, formatScores } from '../../../ts/bench/answers/table.ts';
import { temporaryFolder } from '../../e2e/cli.ts';

describe('options', () => {
  test('have defaults', () => {
    expect(parseOptions([])).toMatchObject({ pairs: 2000, seed: 1, skipPeers: false, limit: 15 });
    expect(parseOptions(['--pairs', '90', '--skip-peers'])).toMatchObject({ pairs: 90, skipPeers: true });
  });

  test.each([
    [['--pairs', '0'], /--pairs is "0": it must be a whole number from 1/],
    [['--seed', 'x'], /--seed is "x"/],
    [['--limit', '601'], /--limit is "601": .* to 600/],
    [['--pair', '5'], /--pair/],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe('made pairs', () => {
  test('of each kind as many, half of them equal, the same for the same seed', () => {
    const pairs = makePairs(4 * Object.keys(KINDS).length, 1);
    for (const kind of Object.keys(KINDS)) {
      const truths = pairs.filter((pair) => pair.kind === kind).map(({ truth }) => truth);
      expect(truths).toEqual([true, false, true, false]);
    }
    expect(makePairs(4 * Object.keys(KINDS).length, 1)).toEqual(pairs);
    expect(makePairs(1, 1)).toHaveLength(2 * Object.keys(KINDS).length);
    expect(makePairs(200, 2)).not.toEqual(makePairs(200, 1));
  });

  test('no pair that is meant to differ is written twice the same', () => {
    for (const { gold, pred, truth } of makePairs(9000, 3)) if (truth === false) expect(pred).not.toBe(gold);
  });
});

test('no hostile input takes our grader long, and none is accepted that should not be', async () => {
  for (const { id, gold, pred, truth } of HOSTILE) {
    const { equal, milliseconds } = await OURS.grade(gold, pred);
    if (truth === false) expect([id, equal]).not.toEqual([id, true]);
    // Ten times what is promised: the machine may be busy.
    expect(milliseconds).toBeLessThan(1000);
  }
});

describe('scores', () => {
  const pair = (kind: string, truth: boolean | null) => ({ id: `${kind} ${truth}`, kind, gold: '', pred: '', truth });
  const outcome = (equal: boolean | null, milliseconds: number) => ({
    equal,
    milliseconds,
    hung: false,
    failed: false,
  });
  const pairs = [pair('a', true), pair('a', false), pair('b', true), pair('b', false), pair('b', null)];
  const result = score(pairs, [
    outcome(true, 1),
    outcome(true, 2),
    outcome(false, 3),
    { ...outcome(null, 4), hung: true },
    outcome(true, 10),
  ]);

  test('count errors of each direction, and time over all', () => {
    expect(result).toMatchObject({
      pairs: 4,
      right: 1,
      accuracy: 0.25,
      falseAccepts: 1,
      falseRejects: 1,
      undecided: 1,
    });
    expect(result.kinds.a).toEqual({ pairs: 2, right: 1, falseAccepts: 1, falseRejects: 0, undecided: 0 });
    expect(result).toMatchObject({ hangs: 1, failures: 0, milliseconds: { median: 3, p99: 10, max: 10 } });
    expect(result.pairsPerSecond).toBe(250);
    expect(result.wrong).toEqual(['a false', 'b true', 'b false']);
  });

  test('are tables', () => {
    const scores = { rzero: result, other: score([], []) };
    expect(formatScores('pairs', scores)).toContain(
      '| rzero | 25.00 % of 4 | 1 | 1 | 1 | 1 | 0 | 3.00 | 10.0 | 10.0 | 250 |',
    );
    expect(formatKinds({ rzero: result })).toContain('| a | 2 | 50.0 (1 + 0 + 0) |');
  });
});

describe('pairs of a file', () => {
  const home = temporaryFolder();
  afterAll(() => home.remove());
  const read = (text: string) => {
    writeFileSync(join(home.path, 'pairs.jsonl'), text);
    return readPairs(join(home.path, 'pairs.jsonl'));
  };

  test('a policy becomes part of the kind', async () => {
    const line = '{"id":"a","kind":"percent","gold":"50%","pred":"50","truth":true,"policy":"dropped"}';
    expect(await read(`${line}\n{"gold":"1","pred":"2","truth":false}\n`)).toEqual([
      { id: 'a', kind: 'percent: dropped', gold: '50%', pred: '50', truth: true },
      { id: '2', kind: 'pairs', gold: '1', pred: '2', truth: false },
    ]);
  });

  test('a bad line is named', async () => {
    await expect(read('{"gold":"1","pred":"2","truth":1}\n')).rejects.toThrow(/line 1: "truth" is 1: it must be true/);
  });
});
