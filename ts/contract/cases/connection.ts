import type { Envelope } from '../../protocol/generated.ts';
import { PROTOCOL_HASH } from '../../protocol/generated.ts';
import { packEnvelope, packParams } from '../../worker/codec.ts';
import { TIMED_OUT, within } from '../../worker/deadline.ts';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { startLong } from '../long.ts';
import { adam, completionLogprobs, LOSS, sampleParams, sequencesOf, trainBatch } from '../requests.ts';
import { type Beat, WELCOME, type Wire } from '../wire.ts';

const HANDSHAKE = 'proto/README.md, Handshake';

/** Milliseconds to end for a worker that is not let in. */
const LEAVING = 10_000;

/** A worker that is answered so ends, and says by its exit code that this was not in order. */
async function endsByItself({ wire }: Context, answer: Envelope): Promise<void> {
  const own = await wire(answer);
  const end = await within(own.process.ended, LEAVING);
  const subject = `the process after a ${answer.kind}`;
  expect.that(subject, end !== TIMED_OUT, `an end within ${LEAVING / 1000} s`, 'it runs on');
  const { exitCode } = end;
  expect.that(subject, exitCode !== undefined && exitCode > 0, 'an exit code other than 0', end);
  await own.close();
}

/** Heartbeats that are looked at, and how far apart a case asks for them. */
const BEATS = 10;
const BEAT_SECONDS = 0.05;

/** They come about as often as was asked for. A busy machine may delay some of them, not most, and none for a second. */
function expectRhythm(when: string, beats: readonly Beat[]): void {
  const gaps = beats.slice(1).map(({ at }, index) => at - (beats[index] as Beat).at);
  const [median, longest] = [gaps.toSorted((a, b) => a - b)[gaps.length >> 1] as number, Math.max(...gaps)];
  expect.below(`milliseconds between most heartbeats ${when}`, median, 3 * BEAT_SECONDS * 1000);
  expect.below(`the longest time between two heartbeats ${when}, in milliseconds`, longest, 1000);
}

/** A model of a worker's own, and a gradient and a step on it, packed. */
async function trained(own: Wire, { source, learningRate }: Context) {
  const modelId = 'own';
  await own.worker.loadModel({ modelId, source, trainable: true, seed: 7 });
  const sequences = sequencesOf(await own.worker.sample(sampleParams(modelId)));
  const batch = trainBatch(sequences, [1, -1, 0.5]);
  const gradient = packParams('forward_backward', { modelId, seq: 0, batch, loss: LOSS, normalizer: 10 });
  const step = packParams('optim_step', { modelId, seq: 1, adam: adam(learningRate) });
  return { modelId, sequences, requests: { forward_backward: gradient, optim_step: step } };
}

export const CONNECTION: readonly Case[] = [
  {
    id: 'welcome-of-another-protocol',
    title: 'a Welcome with another protocol hash ends the worker with an exit code other than 0',
    rule: 'Both sides come from the same protocol or do not talk: a worker that is welcomed by another one ends.',
    where: HANDSHAKE,
    needs: ['spawn'],
    run: (context) => endsByItself(context, { ...WELCOME, protocolHash: '0'.repeat(PROTOCOL_HASH.length) }),
  },
  {
    id: 'refusal',
    title: 'a Refusal ends the worker with an exit code other than 0',
    rule: 'A worker that is refused is not let in and ends.',
    where: HANDSHAKE,
    needs: ['spawn'],
    run: (context) =>
      endsByItself(context, { kind: 'Refusal', error: { code: 'unauthorized', message: 'you may not come in' } }),
  },
  {
    id: 'two-frames',
    title: 'a message of two frames is dropped, and the worker lives',
    rule: 'A message is one frame; one of more is dropped.',
    where: 'proto/README.md, Frames and envelopes',
    needs: ['spawn'],
    async run({ wire }) {
      const own = await wire();
      const ping = packParams('ping', {});
      for (const more of [Uint8Array.of(), ping]) {
        const id = own.id + 1;
        await own.send(packEnvelope({ kind: 'Request', id, verb: 'levitate', params: ping }), more);
        // Had it been taken, this would be answered with its failure, or refused for an id that was used.
        await own.request('ping', ping);
      }
      expect.equal('answers to what was to be dropped', own.strays, 0);
      await own.close();
    },
  },
  {
    id: 'heartbeats',
    title: 'heartbeats come as often as Welcome asks, idle and during a long call, and say what runs',
    rule: 'A worker sends a Heartbeat at least every heartbeatSeconds, also while it works, so silence means something.',
    where: 'proto/protocol.yml, structs.Heartbeat',
    needs: ['sample', 'spawn'],
    async run(context) {
      const own = await context.wire({ ...WELCOME, heartbeatSeconds: BEAT_SECONDS });
      const idle = await own.heartbeats(BEATS);
      expectRhythm('while idle', idle);
      for (const { busy, queued } of idle)
        expect.equal('a heartbeat while idle', { busy, queued }, { busy: '', queued: 0 });

      const modelId = 'own';
      await own.worker.loadModel({ modelId, source: context.source, trainable: false, seed: 7 });
      const id = own.id + 1;
      const { answer } = await startLong(context, 'sample', modelId, { worker: own.worker });
      // A sample might be worked on together with the long one.
      const one = { tokens: Int32Array.of(0, 1), lengths: Int32Array.of(2), temperature: 1 };
      const waiting = own.worker.forward({ modelId, ...one });
      await own.worker.ping({});
      const beats = await own.heartbeats(BEATS);
      expectRhythm('during sample', beats);
      for (const { busy, queued } of beats) {
        expect.equal('a heartbeat during sample', { busy, queued }, { busy: 'sample', queued: 1 });
      }
      expect.above('progress in the last heartbeat', beats.at(-1)?.progress ?? 0, beats[0]?.progress ?? 0);
      await own.worker.cancel({ id });
      await expect.fails('sample after cancel', answer, 'cancelled');
      await waiting;
      await own.close();
    },
  },
  {
    id: 'reconnect',
    title: 'a worker that lost its connection comes back as the same instance, with its models and its answers',
    rule: 'A worker that loses its connection dials again; the models and the record of gradient steps stay.',
    where: HANDSHAKE,
    needs: ['sample', 'train', 'spawn'],
    async run(context) {
      const own = await context.wire();
      const { modelId, sequences, requests } = await trained(own, context);
      const answers = new Map<string, Uint8Array>();
      for (const [verb, params] of Object.entries(requests)) answers.set(verb, await own.request(verb, params));
      const before = await completionLogprobs(own.worker, modelId, sequences);

      const { instanceId, pid } = await own.reconnect();
      const { hello } = own.worker;
      const same = { instanceId: hello.instanceId, pid: hello.pid };
      expect.equal('Hello on the new connection', { instanceId, pid }, same);
      for (const [verb, params] of Object.entries(requests)) {
        const again = Buffer.from(await own.request(verb, params)).toString('hex');
        const first = Buffer.from(answers.get(verb) as Uint8Array).toString('hex');
        expect.equal(`bytes of the answer to the repeated ${verb}`, again, first);
      }
      const after = await completionLogprobs(own.worker, modelId, sequences);
      expect.equal('log-probs after the repeats on the new connection', after, before);
      await own.close();
    },
  },
  {
    id: 'reconnect-during-forward_backward',
    title: 'a gradient whose connection was lost is answered on the next one, and made once',
    rule: 'Requests of a lost connection are never answered; a gradient verb that is asked again is not made twice.',
    where: HANDSHAKE,
    needs: ['train', 'spawn'],
    async run(context) {
      const own = await context.wire();
      const modelId = 'own';
      await own.worker.loadModel({ modelId, source: context.source, trainable: true, seed: 7 });
      const start = () => startLong(context, 'forward_backward', modelId, { worker: own.worker, seconds: 0.7 });
      const normAfter = async (seq: number) => (await own.worker.optimStep({ modelId, seq, adam: adam(0) })).gradNorm;
      const lost = await start();
      await own.reconnect();
      await lost.repeat();
      const norm = await normAfter(2 ** 30);
      expect.equal('answers that were not asked for on the new connection', own.strays, 0);
      await own.worker.loadModel({ modelId, source: context.source, trainable: true, seed: 7 });
      const whole = await start();
      await whole.answer;
      // Had it been made twice, this would be 2.
      expect.near('gradNorm over that of one gradient', norm / (await normAfter(2 ** 30)), 1, context.tolerance);
      await own.close();
    },
  },
];
