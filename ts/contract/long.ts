import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { ForwardBackwardParams, ForwardParams, SampleParams } from '../protocol/generated.ts';
import type { CallOptions } from '../protocol/primitives.ts';
import type { Context } from './context.ts';
import * as expect from './expect.ts';
import { LOSS, PROMPTS, sampleParams } from './requests.ts';

/** The verbs that can be made long by giving them much to do. */
export type LongVerb = 'sample' | 'forward' | 'forward_backward';

/** Seconds that a long call takes, about, unless a case says otherwise: those that are cancelled are never waited for. */
const SECONDS: Readonly<Record<LongVerb, number>> = { sample: 4, forward: 4, forward_backward: 2 };
/** A trial shorter than this says little. */
const TRIAL_SECONDS = 0.3;
/** Most sequences in a call: their tokens stay far below what a message holds. */
const MOST = 400_000;

export interface LongOptions extends CallOptions {
  /** How long it shall take, about. */
  seconds?: number;
  /** Where it runs, if not in the worker that the cases share. */
  worker?: Context['worker'];
}

/** A long call that runs in a worker. */
export interface LongCall {
  /** Its failure is handled here too: look at it when it suits. */
  answer: Promise<unknown>;
  /** Ask for the same once more. */
  repeat(): Promise<unknown>;
}

/** Start a call that takes seconds, on a model that is loaded, and wait until the worker says that it runs. */
export async function startLong(
  context: Context,
  verb: LongVerb,
  modelId: string,
  { seconds = SECONDS[verb], worker = context.worker, ...options }: LongOptions = {},
): Promise<LongCall> {
  const size = Math.min(MOST, Math.ceil((await sizeOfSecond(context, verb)) * seconds));
  let ended = false;
  const repeat = callOf(worker, verb, modelId, size, options);
  const answer = repeat();
  answer
    .catch(() => {})
    .finally(() => {
      ended = true;
    });
  while ((await worker.ping({})).busy !== verb) {
    expect.that(`ping during ${verb}`, !ended, `busy = "${verb}"`, 'the call ended before ping had named it');
    // A worker in this process works only between turns of the event loop.
    await turn();
  }
  return { answer, repeat };
}

/** How many samples or sequences take a second; found by trial, once. */
async function sizeOfSecond(context: Context, verb: LongVerb): Promise<number> {
  const known = context.sizes.get(verb);
  if (known !== undefined) return known;
  const modelId = await context.load();
  let size = 48;
  let seconds = 0;
  for (; seconds < TRIAL_SECONDS && size < MOST; size *= 4) {
    const call = callOf(context.worker, verb, modelId, size);
    const started = performance.now();
    await call();
    seconds = (performance.now() - started) / 1000;
  }
  const found = size / 4 / seconds;
  context.sizes.set(verb, found);
  return found;
}

/** The call, its params made, not yet sent. */
function callOf(
  worker: Context['worker'],
  verb: LongVerb,
  modelId: string,
  size: number,
  options?: CallOptions,
): () => Promise<unknown> {
  switch (verb) {
    case 'sample': {
      const params = longSample(modelId, size);
      return () => worker.sample(params, options);
    }
    case 'forward': {
      const params = longForward(modelId, size);
      return () => worker.forward(params, options);
    }
    case 'forward_backward': {
      const params = longGradient(modelId, size);
      return () => worker.forwardBackward(params, options);
    }
  }
}

function longSample(modelId: string, size: number): SampleParams {
  return sampleParams(modelId, { n: Math.ceil(size / PROMPTS.length), sampling: { maxTokens: 64 } });
}

/** Tokens of a sequence: ids that any vocabulary has. */
const SEQUENCE_LENGTH = 32;

function longForward(modelId: string, size: number): ForwardParams {
  const tokens = new Int32Array(size * SEQUENCE_LENGTH).map((_, index) => 2 + (index % 5));
  return { modelId, tokens, lengths: new Int32Array(size).fill(SEQUENCE_LENGTH), temperature: 1 };
}

let lastSeq = 0;

function longGradient(modelId: string, size: number): ForwardBackwardParams {
  const { tokens, lengths } = longForward(modelId, size);
  const mask = new Uint8Array(tokens.length).map((_, index) => Number(index % SEQUENCE_LENGTH > 0));
  const advantages = new Float32Array(size).fill(1);
  lastSeq += 1;
  return { modelId, seq: lastSeq, batch: { tokens, lengths, mask, advantages }, loss: LOSS, normalizer: 1e6 };
}
