import { expect, test } from '@jest/globals';
import { optionsOf } from '../../../ts/trackers/options.ts';

test('options have their whole names, and none says where keys lie or workers dial in', () => {
  const config = { seed: 1, worker: { keys: '/secret', listen: 'tcp://10.0.0.1:5', count: null }, list: [1, 2] };
  expect(optionsOf(config)).toEqual([
    ['seed', 1],
    ['worker.count', null],
    ['list', [1, 2]],
  ]);
});
