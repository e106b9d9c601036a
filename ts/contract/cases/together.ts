import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { sampleParams, sequencesOf, userTurns } from '../requests.ts';

const WHERE = 'proto/README.md, Order';

/** Requests of `sample` that wait behind each other, which a worker may work on together. */
export const TOGETHER: readonly Case[] = [
  {
    id: 'together-answers',
    title: 'sample requests that are sent at once get the answers they get alone',
    rule: 'A worker may work on sample requests together; each is answered as if it were alone.',
    where: WHERE,
    needs: ['sample'],
    async run(context) {
      const { worker, tolerance } = context;
      const modelId = await context.load({ trainable: false });
      const requests = Array.from({ length: 6 }, (_, index) =>
        sampleParams(modelId, {
          conversations: userTurns(`${index}+1`, `${index}*2`),
          n: 1 + (index % 3),
          seeds: Uint32Array.of(index, index + 100),
          sampling: { maxTokens: 4 + 8 * (index % 2), temperature: index % 2 === 0 ? 1 : 0 },
        }),
      );
      const alone = [];
      for (const params of requests) alone.push(await worker.sample(params));
      const together = await Promise.all(requests.map((params) => worker.sample(params)));
      for (const [index, batch] of together.entries()) {
        const expected = sequencesOf(alone[index] as (typeof alone)[number]);
        const found = sequencesOf(batch);
        expect.equal(
          `lengths of request ${index}`,
          [...batch.lengths],
          expected.map(({ completion }) => completion.length),
        );
        expect.equal(
          `tokens of request ${index}`,
          found.map(({ completion }) => completion),
          expected.map(({ completion }) => completion),
        );
        expect.alike(
          `log-probs of request ${index}`,
          found.map(({ logprobs }) => logprobs),
          expected.map(({ logprobs }) => logprobs),
          tolerance,
        );
      }
    },
  },
  {
    id: 'together-failures',
    title: 'of sample requests that are sent at once, one that fails or is cancelled fails alone',
    rule: 'A request that is refused or cancelled leaves those that it is worked on with.',
    where: WHERE,
    needs: ['sample'],
    async run(context) {
      const { worker } = context;
      const modelId = await context.load({ trainable: false });
      const stop = new AbortController();
      const [first, unknown, stale, cancelled, last] = [
        worker.sample(sampleParams(modelId)),
        worker.sample(sampleParams(`${modelId}-unknown`)),
        worker.sample(sampleParams(modelId, { weightsVersion: 99 })),
        worker.sample(sampleParams(modelId, { n: 64 }), { signal: stop.signal }),
        worker.sample(sampleParams(modelId)),
      ];
      stop.abort();
      await Promise.all([
        expect.fails('a model that is not there', unknown, 'unknown_model'),
        expect.fails('a version that is not published', stale, 'stale_weights'),
        expect.fails('a request that is cancelled', cancelled, 'cancelled'),
        first,
        last,
      ]);
      expect.equal('tokens of the last request', (await last).tokens, (await first).tokens);
    },
  },
];
