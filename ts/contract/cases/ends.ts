import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from '../../ports/worker.ts';
import { packParams } from '../../worker/codec.ts';
import { TIMED_OUT, within } from '../../worker/deadline.ts';
import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { type LongVerb, startLong } from '../long.ts';
import { adam, sampleParams } from '../requests.ts';

const ORDER = 'proto/README.md, Order';

/** Milliseconds to end after shutdown, when running work does not let go: five seconds, and time to leave. */
const LEAVING = 10_000;

/** Cases that end a worker: one of their own, and at the very end the one that all share. */
export const ENDS: readonly Case[] = [
  {
    id: 'ids-increase',
    title: 'a request whose id is not above all before is invalid_request, and the worker lives',
    rule: 'Request ids increase within a connection; one that does not is refused.',
    where: ORDER,
    needs: ['spawn'],
    async run({ wire }) {
      const own = await wire();
      await own.request('ping', packParams('ping', {}), { id: 10 });
      for (const id of [9, 10, 1]) {
        const late = own.request('ping', packParams('ping', {}), { id });
        await expect.fails(`id ${id} after id 10`, late, 'invalid_request', /\bid\b/);
      }
      await own.request('ping', packParams('ping', {}), { id: 11 });
      await own.close();
    },
  },
  {
    id: 'cancel-during-forward_backward',
    title: 'cancel during a long forward_backward is answered within a second; the step is made all the same',
    rule: 'A verb that does not list `cancelled` runs to its end and answers with its result.',
    where: ORDER,
    needs: ['train', 'spawn'],
    async run(context) {
      const own = await context.wire();
      const modelId = 'own';
      await own.worker.loadModel({ modelId, source: context.source, trainable: true, seed: 7 });
      const id = own.id + 1;
      const { answer } = await startLong(context, 'forward_backward', modelId, { worker: own.worker });
      const asked = performance.now();
      const { found } = await own.worker.cancel({ id });
      expect.below('milliseconds that cancel took during forward_backward', performance.now() - asked, 1000);
      expect.equal('whether cancel found it', found, true);
      await answer;
      const { gradNorm } = await own.worker.optimStep({ modelId, seq: 2 ** 30, adam: adam(0) });
      expect.above('gradNorm after the call that could not be cancelled', gradNorm, 0);
      await own.close();
    },
  },
  ...(['forward', 'forward_backward'] as const).map(
    (verb: LongVerb): Case => ({
      id: `shutdown-during-${verb}`,
      title: `shutdown during a long ${verb} is answered within a second, and the process exits with 0`,
      rule: 'shutdown is answered, then the worker ends with exit code 0, after 5 seconds even if work does not let go.',
      where: ORDER,
      needs: ['train', 'spawn'],
      async run(context) {
        const own = await context.wire();
        const modelId = 'own';
        await own.worker.loadModel({ modelId, source: context.source, trainable: true, seed: 7 });
        await startLong(context, verb, modelId, { worker: own.worker });
        const asked = performance.now();
        await own.worker.shutdown({});
        expect.below(`milliseconds that shutdown took during ${verb}`, performance.now() - asked, 1000);
        const end = await within(own.process.ended, LEAVING);
        expect.that('the process after shutdown', end !== TIMED_OUT, `an end within ${LEAVING / 1000} s`, 'it runs on');
        expect.equal('exit code after shutdown', end.exitCode, 0);
        await own.close();
      },
    }),
  ),
  {
    id: 'killed',
    title: 'SIGKILL gives worker_gone for every pending call',
    rule: 'When the process has ended, every caller gets worker_gone.',
    where: 'proto/README.md, Errors',
    needs: ['sample', 'train', 'spawn'],
    async run(context) {
      const { worker, process } = await context.start();
      await worker.loadModel({ modelId: 'm', source: context.source, trainable: false, seed: 0 });
      const { answer } = await startLong(context, 'sample', 'm', { worker });
      const pending = [answer, worker.sample(sampleParams('m')), worker.forward({ ...EMPTY, modelId: 'm' })];
      await worker.ping({});
      process?.kill('SIGKILL');
      await Promise.allSettled(pending);
      for (const call of pending) await expect.fails('a call to a killed worker', call, 'worker_gone', 'SIGKILL');
      await expect.fails('ping afterwards', worker.ping({}), 'worker_gone');
      await worker.close();
    },
  },
  {
    id: 'shutdown',
    title: 'shutdown is answered, ends running work as `cancelled`, and the process exits with 0',
    rule: 'shutdown is answered, then all work is cancelled and the worker ends with exit code 0.',
    where: ORDER,
    needs: ['sample'],
    ends: true,
    async run(context) {
      const { worker, process } = context;
      const modelId = await context.load();
      const { answer } = await startLong(context, 'sample', modelId);
      const waiting = worker.sample(sampleParams(modelId));
      const ended = Promise.allSettled([answer, waiting]);
      const asked = performance.now();
      await worker.shutdown({});
      expect.below('milliseconds that shutdown took during sample', performance.now() - asked, 1000);
      await ended;
      await expect.fails('the sample that ran', answer, 'cancelled');
      await expect.fails('the sample that waited', waiting, 'cancelled');
      if (process !== undefined) expect.equal('exit code after shutdown', (await process.ended).exitCode, 0);
      await silence(worker);
      await expect.fails('ping afterwards', worker.ping({}), 'worker_gone');
    },
  },
];

/** Resolves when a worker no longer answers, which is all that shows of the end of somebody else's process. */
async function silence(worker: Worker): Promise<void> {
  const until = performance.now() + LEAVING;
  const answers = () =>
    worker.ping({}).then(
      () => true,
      () => false,
    );
  while (performance.now() < until && (await answers())) await turn();
}

const EMPTY = { tokens: new Int32Array(), lengths: new Int32Array(), temperature: 1 };
