import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { adam, LOSS, sampleParams, sequencesOf, trainBatch, userTurns } from '../../../../ts/contract/requests.ts';
import type { Worker } from '../../../../ts/ports/worker.ts';
import type { Capability, SampleBatch, Verb } from '../../../../ts/protocol/generated.ts';
import { unpackParams } from '../../../../ts/worker/codec.ts';
import { Pool } from '../../../../ts/worker/pool/pool.ts';
import { inRequests } from '../../../fixtures/inRequests.ts';
import { gate, TestRecruit } from '../../../fixtures/recruit.ts';

const ASKED = sampleParams('m', { conversations: userTurns('1', '2', '3', '4', '5', '6', '7', '8'), n: 2 });

let folder: string;
let pool: Pool;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-turns-'));
});

afterEach(async () => {
  await pool.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a verb needs awake; those that load or publish wake what they need of their worker. */
const NEEDS: Partial<Record<Verb, Capability>> = {
  sample: 'sample',
  forward: 'train',
  forward_backward: 'train',
  optim_step: 'train',
  average_weights: 'train',
};
const WAKE_ALL: readonly string[] = ['load_model', 'load_checkpoint', 'publish_weights', 'save_checkpoint'];

/** Workers that keep account of who has memory of a device, and what broke the rule. */
class Watch {
  readonly wrong: string[] = [];
  /** `name verb role` of each sleep and wake. */
  readonly told: string[] = [];
  private readonly awake = new Map<TestRecruit, Set<Capability>>();

  recruit(name: string, devices: string[], roles: Capability[]): TestRecruit {
    const recruit = new TestRecruit(name, roles, { devices });
    const mine = new Set<Capability>();
    this.awake.set(recruit, mine);
    const ask = recruit.request.bind(recruit);
    recruit.request = async (verb, params, options) => {
      if (verb === 'sleep' || verb === 'wake') {
        const { role } = unpackParams(verb, params);
        this.told.push(`${name} ${verb} ${role}`);
        const answer = await ask(verb, params, options);
        if (verb === 'sleep') mine.delete(role);
        else mine.add(role);
        return answer;
      }
      const role = NEEDS[verb as Verb];
      if (role !== undefined) mine.add(role);
      else if (WAKE_ALL.includes(verb)) for (const one of roles) mine.add(one);
      if (role !== undefined && mine.size > 1) this.wrong.push(`${name} ${verb}: ${[...mine].join(' and ')} awake`);
      for (const [other, roles] of this.awake) {
        const shares = other !== recruit && other.hello.devices.some((device) => devices.includes(device));
        if (shares && roles.size > 0 && mine.size > 0) {
          this.wrong.push(`${name} ${verb}: ${other.hello.workerId} is awake`);
        }
      }
      return ask(verb, params, options);
    };
    return recruit;
  }
}

function poolOf(recruits: readonly TestRecruit[], turns: boolean): Pool {
  const made = new Pool({ turns, exchange: mkdtempSync(join(folder, 'exchange-')) }, async () => {});
  for (const recruit of recruits) made.add(recruit);
  return made;
}

/** Two steps of training with an anchor that follows, samples before and after, and what came of it. */
async function doRun(worker: Worker): Promise<{ samples: SampleBatch[]; logprobs: Float32Array }> {
  await worker.loadModel({ modelId: 'm', source: 'memory:m', trainable: true, seed: 3 });
  await worker.loadModel({ modelId: 'anchor', source: 'memory:m', trainable: false, seed: 3 });
  const samples: SampleBatch[] = [];
  let logprobs = new Float32Array();
  for (let seq = 1; seq < 5; seq += 2) {
    samples.push(await worker.sample(ASKED));
    const sequences = sequencesOf(samples.at(-1) as SampleBatch).slice(0, 3);
    const batch = trainBatch(sequences, [1, -1, 1]);
    const score = { modelId: 'anchor', tokens: batch.tokens, lengths: batch.lengths, temperature: 1 };
    // While the samplers are busy with the frozen model, training begins.
    const [more] = await Promise.all([
      worker.sample({ ...ASKED, modelId: 'anchor' }),
      worker.forwardBackward({ modelId: 'm', seq, batch, loss: LOSS, normalizer: 1 }),
      worker.forward(score),
    ]);
    samples.push(more);
    await worker.optimStep({ modelId: 'm', seq: seq + 1, adam: adam(0.5) });
    await worker.publishWeights({ modelId: 'm' });
    logprobs = (await worker.forward(score)).logprobs as Float32Array<ArrayBuffer>;
  }
  samples.push(await worker.sample(ASKED));
  await worker.unloadModel({ modelId: 'm' });
  return { samples, logprobs };
}

const BOTH: Capability[] = ['sample', 'train'];
test.each<[string, [string, string[], Capability[]][]]>([
  ['one worker of both roles', [['w', ['gpu'], BOTH]]],
  [
    'two workers of both roles on one device',
    [
      ['v', ['gpu'], BOTH],
      ['w', ['gpu'], BOTH],
    ],
  ],
  [
    'a trainer on two devices with a sampler on each, and a sampler elsewhere',
    [
      ['t', ['a', 'b'], ['train']],
      ['s-a', ['a'], ['sample']],
      ['s-b', ['b'], ['sample']],
      ['s-c', ['c'], ['sample']],
    ],
  ],
])('a run of %s never has two awake on a device, and gives what one without devices gives', async (_, workers) => {
  pool = poolOf([new TestRecruit('alone')], false);
  const expected = await doRun(inRequests(pool, 4));
  await pool.close();
  const watch = new Watch();
  pool = poolOf(
    workers.map(([name, devices, roles]) => watch.recruit(name, devices, roles)),
    true,
  );
  expect(await doRun(inRequests(pool, 4))).toEqual(expected);
  expect(watch.wrong).toEqual([]);
  expect(watch.told.length).toBeGreaterThan(0);
});

describe('the roles of one worker, where nobody need sleep', () => {
  test('training waits until no sample does, so that batches stay full', async () => {
    const one = new TestRecruit('one');
    pool = new Pool({}, async () => {});
    pool.add(one);
    await pool.loadModel({ modelId: 'm', source: 'memory:m', trainable: true, seed: 1 });
    await new Promise((resolve) => setImmediate(resolve)); // its turn ends a round of the event loop after its work
    const { closed, open } = gate();
    one.gate = closed;
    const samples = Array.from({ length: 4 }, () => pool.sample(sampleParams('m')));
    const scored = pool.forward({
      modelId: 'm',
      tokens: Int32Array.of(3, 5),
      lengths: Int32Array.of(2),
      temperature: 1,
    });
    open();
    await Promise.all([...samples, scored]);
    expect(one.asked).toEqual(['load_model', 'sample', 'sample', 'sample', 'sample', 'forward']);
  });

  test('a worker of one role does not wait for others on its device', async () => {
    const about = { devices: ['gpu'] };
    const [sampler, trainer] = [new TestRecruit('s', ['sample'], about), new TestRecruit('t', ['train'], about)];
    pool = new Pool({}, async () => {});
    pool.add(sampler);
    pool.add(trainer);
    await pool.loadModel({ modelId: 'judge', source: 'memory:m', trainable: false, role: 'sample', seed: 1 });
    await pool.loadModel({ modelId: 'policy', source: 'memory:m', trainable: true, seed: 1 });
    const { closed, open } = gate();
    sampler.gate = closed;
    const sample = pool.sample(sampleParams('judge'));
    await pool.forward({ modelId: 'policy', tokens: Int32Array.of(3, 5), lengths: Int32Array.of(2), temperature: 1 });
    open();
    await sample;
    expect([...sampler.asked, ...trainer.asked]).not.toContain('sleep');
  });
});

test('samplers keep their turn while tasks wait, however many requests those are', async () => {
  const watch = new Watch();
  pool = poolOf([watch.recruit('s', ['gpu'], ['sample']), watch.recruit('t', ['gpu'], ['train'])], true);
  await pool.loadModel({ modelId: 'm', source: 'memory:m', trainable: true, seed: 3 });
  const batch = trainBatch(sequencesOf(await pool.sample(ASKED)).slice(0, 3), [1, -1, 1]);
  watch.told.length = 0;
  const sampled = inRequests(pool, 2).sample(ASKED);
  const trained = pool.forwardBackward({ modelId: 'm', seq: 1, batch, loss: LOSS, normalizer: 1 });
  await Promise.all([sampled, trained]);
  expect(watch.told).toEqual(['s sleep sample', 't wake train']);
});

test('nobody is told to sleep without the option, or where no device is shared', async () => {
  for (const turns of [false, true]) {
    const watch = new Watch();
    const devices = turns ? ['t'] : ['s'];
    pool = poolOf([watch.recruit('s', ['s'], ['sample']), watch.recruit('t', devices, ['train'])], turns);
    await doRun(pool);
    expect(watch.told).toEqual([]);
    await pool.close();
  }
});

test('a sampler that is lost while the trainer waits for it leaves the device to it', async () => {
  const watch = new Watch();
  const sampler = watch.recruit('s', ['gpu'], ['sample']);
  pool = poolOf([sampler, watch.recruit('t', ['gpu'], ['train']), watch.recruit('r', ['other'], ['sample'])], true);
  await pool.loadModel({ modelId: 'm', source: 'memory:m', trainable: true, seed: 3 });
  const batch = trainBatch(sequencesOf(await pool.sample(ASKED)).slice(0, 3), [1, -1, 1]);
  sampler.gate = gate().closed;
  const sampled = inRequests(pool, 2).sample(ASKED);
  const trained = pool.forwardBackward({ modelId: 'm', seq: 1, batch, loss: LOSS, normalizer: 1 });
  while (sampler.sampled.length < 2) await new Promise(setImmediate);
  sampler.kill();
  await trained;
  expect((await sampled).texts).toHaveLength(16);
});
