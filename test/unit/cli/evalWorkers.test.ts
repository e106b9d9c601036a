import { expect, test } from '@jest/globals';
import { evaluationPosts, evaluationRequestSamples } from '../../../ts/cli/evalWorkers.ts';
import { loadConfig } from '../../../ts/config/load.ts';

const postsOf = (gpus: number, ...sets: string[]) => evaluationPosts(loadConfig({ sets }), gpus);
const engine = { memoryShare: 0.85, rows: 256 };

test('a sampler for each GPU, or group of them; one where there is none', () => {
  expect(postsOf(0)).toEqual([{}]);
  expect(postsOf(2)).toEqual([
    { role: 'sample', processes: 1, gpus: [0] },
    { role: 'sample', processes: 1, gpus: [1] },
  ]);
  const vllm = ['worker.backend=vllm', 'placement.tensorParallel=2'];
  expect(postsOf(5, ...vllm)).toEqual([
    { role: 'sample', processes: 2, gpus: [0, 1], engine },
    { role: 'sample', processes: 2, gpus: [2, 3], engine },
  ]);
  // vLLM alone holds a model in several.
  expect(postsOf(2, 'placement.tensorParallel=2')).toHaveLength(2);
});

test('those counted by hand, and those that dial in, are taken as they are said', () => {
  expect(postsOf(4, 'worker.count=2')).toEqual([{}, {}]);
  const listening = ['worker.listen=tcp://127.0.0.1:5555', 'worker.keys=keys', 'worker.expect=2'];
  expect(postsOf(4, ...listening, 'worker.count=0')).toEqual([]);
  expect(postsOf(4, ...listening)).toEqual([{}]);
});

test('requests are as large as the backend likes them, unless told otherwise', () => {
  const sizeOf = (...sets: string[]) => evaluationRequestSamples(loadConfig({ sets }).worker);
  expect([sizeOf(), sizeOf('worker.backend=vllm'), sizeOf('worker.requestSamples=7')]).toEqual([256, 64, 7]);
});
