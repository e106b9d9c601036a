import { expect, test } from '@jest/globals';
import { joinRollouts } from '../../../ts/loop/rollouts.ts';
import { scriptedWorker } from '../../fixtures/scriptedWorker.ts';

test('what was drawn and scored in parts is one, cut to what is needed', async () => {
  const { worker } = scriptedWorker((_, sample) => 'x'.repeat(sample + 1));
  const draw = (conversations: number) =>
    worker.sample({
      modelId: 'solver',
      conversations: Array.from({ length: conversations }, () => ({
        messages: [{ role: 'user' as const, content: 'q' }],
      })),
      n: 2,
      seeds: new Uint32Array(conversations),
      sampling: { temperature: 1, topP: 1, topK: 0, maxTokens: 8 },
    });
  const part = async (first: number, count: number, from: number) => {
    const batch = await draw(count);
    const scores = Promise.resolve({ old: Float32Array.from(batch.tokens, (_, index) => from + index) });
    return { first, count, value: { batch, scores } };
  };
  const joined = await joinRollouts([await part(0, 1, 10), await part(1, 2, 20)], 2, 2);
  expect([...joined.batch.lengths]).toEqual([1, 2, 1, 2]);
  expect([...(joined.old ?? [])]).toEqual([10, 11, 12, 20, 21, 22]); // of the last part only its first conversation
  expect(joined.reference).toBeUndefined();
});
