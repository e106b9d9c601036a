import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { CallOptions } from '../../protocol/generated.ts';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { type LongVerb, startLong } from '../long.ts';
import { PROMPTS, sampleParams } from '../requests.ts';

const WHERE = 'proto/README.md, Order';
const NEEDS = { sample: ['sample'], forward: ['train'], forward_backward: ['train'] } as const;

/** Ping again and again until the progress has grown; each answer within a second. */
async function pingUntilProgress({ worker }: Context, verb: LongVerb, from: number): Promise<void> {
  for (let progress = from; progress <= from; ) {
    const asked = performance.now();
    const pong = await worker.ping({});
    expect.below(`milliseconds that ping took during ${verb}`, performance.now() - asked, 1000);
    expect.equal(`busy during ${verb}`, pong.busy, verb);
    ({ progress } = pong);
    await turn();
  }
}

function cancelledCase(verb: 'sample' | 'forward'): Case {
  return {
    id: `cancel-during-${verb}`,
    title: `cancel ends a long ${verb} with \`cancelled\`, and the worker lives`,
    rule: 'A verb that lists `cancelled` stops when it is told to, and answers so.',
    where: WHERE,
    needs: NEEDS[verb],
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const stop = new AbortController();
      const { answer } = await startLong(context, verb, modelId, { signal: stop.signal });
      const asked = performance.now();
      stop.abort();
      await expect.fails(`${verb} after cancel`, answer, 'cancelled');
      expect.below(`milliseconds that ${verb} ran on after cancel`, performance.now() - asked, 3000);
      const one = { modelId, tokens: Int32Array.of(3, 5), lengths: Int32Array.of(2), temperature: 1 };
      if (verb === 'forward') expect.equal('log-probs afterwards', (await worker.forward(one)).logprobs.length, 2);
      else expect.equal('texts afterwards', (await worker.sample(sampleParams(modelId))).texts.length, PROMPTS.length);
    },
  };
}

export const CONTROL: readonly Case[] = [
  ...(['sample', 'forward'] as const).map(
    (verb): Case => ({
      id: `ping-during-${verb}`,
      title: `ping answers within a second during a long ${verb}, and its progress grows`,
      rule: 'ping is answered within a second, also while a long call runs: it names the verb, and its progress grows.',
      where: 'proto/protocol.yml, verbs.ping',
      needs: NEEDS[verb],
      async run(context) {
        const modelId = await context.load();
        const idle = await context.worker.ping({});
        expect.equal('busy before the call', idle.busy, '');
        const stop = new AbortController();
        const { answer } = await startLong(context, verb, modelId, { signal: stop.signal });
        // Finding out how much is long may have moved the progress before the call.
        await pingUntilProgress(context, verb, Math.max(idle.progress, (await context.worker.ping({})).progress));
        stop.abort();
        await expect.fails(`${verb} after cancel`, answer, 'cancelled');
      },
    }),
  ),
  {
    id: 'ping-during-forward_backward',
    title: 'ping answers within a second during a long forward_backward',
    rule: 'ping is answered within a second, also while a long call runs, and names the verb.',
    where: 'proto/protocol.yml, verbs.ping',
    needs: NEEDS.forward_backward,
    async run(context) {
      const modelId = await context.load();
      const { answer } = await startLong(context, 'forward_backward', modelId);
      let pings = 0;
      let ended = false;
      const over = answer.finally(() => {
        ended = true;
      });
      // Looked at after the pings, which may fail first.
      over.catch(() => {});
      while (!ended) {
        const asked = performance.now();
        await context.worker.ping({});
        expect.below('milliseconds that ping took during forward_backward', performance.now() - asked, 1000);
        pings += 1;
        await turn();
      }
      await over;
      expect.above('pings answered during forward_backward', pings, 2);
    },
  },
  cancelledCase('sample'),
  cancelledCase('forward'),
  {
    id: 'cancel-waiting',
    title: 'a request that waits behind another is cancelled too, and the other goes on',
    rule: 'cancel of a request that waits is answered at once: the request fails with `cancelled`, nothing else changes.',
    where: WHERE,
    needs: ['sample'],
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const [first, second] = [new AbortController(), new AbortController()];
      const { answer } = await startLong(context, 'sample', modelId, { signal: first.signal });
      const waiting = worker.sample(sampleParams(modelId), { signal: second.signal });
      second.abort();
      await expect.fails('the request that waited', waiting, 'cancelled');
      expect.equal('busy after that', (await worker.ping({})).busy, 'sample');
      first.abort();
      await expect.fails('the request that ran, after its own cancel', answer, 'cancelled');
    },
  },
  {
    id: 'cancel-nothing',
    title: 'cancelling what is not there finds nothing',
    rule: 'cancel of an id that is unknown or has been answered says found: false.',
    where: WHERE,
    needs: [],
    async run({ worker }) {
      expect.equal('cancel of an unknown id', await worker.cancel({ id: 2 ** 40 }), { found: false });
    },
  },
  {
    id: 'progress',
    title: 'progress grows up to the number of samples or sequences',
    rule: 'Progress comes before the answer; done increases up to total, which counts samples or sequences.',
    where: WHERE,
    needs: ['sample', 'train'],
    async run({ worker, load }) {
      const modelId = await load();
      const n = 20;
      const watched = async <R>(verb: string, call: (options: CallOptions) => Promise<R>): Promise<R> => {
        const total = n * PROMPTS.length;
        const reports: { done: number; total: number }[] = [];
        const result = await call({ onProgress: ({ done, total: of }) => reports.push({ done, total: of }) });
        expect.above(`Progress messages of ${verb}`, reports.length, 0);
        for (const [index, report] of reports.entries()) {
          expect.equal(`total of ${verb}`, report.total, total);
          expect.above(`done of ${verb}`, report.done, reports[index - 1]?.done ?? -1);
          expect.atMost(`done of ${verb}`, report.done, total);
        }
        return result;
      };
      const batch = await watched('sample', (options) => worker.sample(sampleParams(modelId, { n }), options));
      const { tokens, lengths } = batch;
      await watched('forward', (options) => worker.forward({ modelId, tokens, lengths, temperature: 1 }, options));
    },
  },
];
