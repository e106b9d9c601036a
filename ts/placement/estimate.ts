import type { Gpu } from './gpu.ts';
import type { Layout } from './layout.ts';
import { adapterParameters } from './memory.ts';
import type { ModelShape } from './shape.ts';
import {
  decodeStepSeconds,
  handoverSeconds,
  prefillSeconds,
  publishSeconds,
  scoreSeconds,
  sleepSeconds,
  switchSeconds,
  trainSeconds,
  updateSeconds,
  wakeSeconds,
} from './speed.ts';
import { type Batch, type Draw, type Piece, piecesOf, promptOf, SAMPLE_SHARE, type Workload } from './workload.ts';

/**
 * Seconds of a piece of an iteration, by part, and what they come to; a part that runs beside another is not added in
 * full.
 */
export interface PieceSeconds {
  name: Piece['name'];
  /** How often an iteration has it. */
  times: number;
  sampling: number;
  scoring: number;
  training: number;
  /** Handing weights to who samples. */
  handover: number;
  /** Going to sleep and waking, of roles and of models. */
  turns: number;
  total: number;
}

/** An iteration, by piece. */
export interface Estimate {
  pieces: readonly PieceSeconds[];
  seconds: number;
}

/** What of a plan decides its speed, beside its layout. */
export interface Capacity {
  /** Rows that a sampler decodes side by side. */
  rows: number;
  packTokens: number;
  /** Bytes that a GPU puts into the host's memory when its samplers sleep, and when its trainer does. */
  keptBySampling: number;
  keptByTraining: number;
}

/**
 * How long an iteration takes, at expected lengths: samples of {@link SAMPLE_SHARE} of their `maxTokens`, of which the
 * last goes to the end. Where training has GPUs of its own, it does while samples are drawn what {@link Piece.overlaps}
 * says.
 */
export function estimate(
  workload: Workload,
  shape: ModelShape,
  gpu: Gpu,
  layout: Layout,
  capacity: Capacity,
): Estimate {
  const pieces = piecesOf(workload, shape).map((piece) => pieceSeconds(workload, shape, gpu, layout, capacity, piece));
  return { pieces, seconds: pieces.reduce((sum, { times, total }) => sum + times * total, 0) };
}

function pieceSeconds(
  workload: Workload,
  shape: ModelShape,
  gpu: Gpu,
  layout: Layout,
  capacity: Capacity,
  { name, times, models, draws, batch, overlaps }: Piece,
): PieceSeconds {
  const sampling = draws.reduce((sum, draw) => sum + drawSeconds(shape, gpu, layout, capacity.rows, draw), 0);
  // Each is switched to, the first too; but where samplers sleep in between, it is the one that wakes.
  const turning = layout.turns && batch !== undefined;
  const switches = workload.backend === 'torch' || models === 1 ? 0 : turning ? models - 1 : models;
  const switching = switches === 0 ? 0 : switches * switchSeconds(capacity.keptBySampling, gpu);
  if (batch === undefined) {
    const total = sampling + switching;
    return { name, times, sampling, scoring: 0, training: 0, handover: 0, turns: switching, total };
  }
  const { scoring, training } = batchSeconds(workload, shape, gpu, layout, capacity.packTokens, batch);
  const gpus = layout.trainer.places.length;
  const { loraRank } = workload.settings.trainer;
  const handed = loraRank === 0 ? shape : { ...shape, parameters: adapterParameters(shape, loraRank) };
  const handover = layout.single ? publishSeconds(handed, gpu) : handoverSeconds(handed, gpu, gpus);
  const kept = capacity.keptBySampling + capacity.keptByTraining;
  const turns = switching + (layout.turns ? sleepSeconds(kept, gpu) + wakeSeconds(kept, gpu) : 0);
  const apart = layout.kind === 'apart';
  const beside = apart && overlaps === 'training' ? scoring + training : apart && overlaps === 'scoring' ? scoring : 0;
  const last = Math.min(sampling, beside) / batch.updates;
  const together = Math.max(sampling, beside) + last + scoring + training - beside;
  return { name, times, sampling, scoring, training, handover, turns, total: together + handover + turns };
}

/**
 * Seconds to draw samples with all samplers: prompts once, a row for each sample as rows come free, and the longest
 * alone in the end.
 */
function drawSeconds(shape: ModelShape, gpu: Gpu, { samplers }: Layout, rows: number, draw: Draw): number {
  const tensorParallel = samplers[0]?.places.length ?? 1;
  const { prompts, each, maxTokens } = draw;
  const prompt = promptOf(shape);
  const share = Math.max(1, (prompts * each) / samplers.length);
  const together = Math.min(rows, share);
  const mean = SAMPLE_SHARE * maxTokens;
  const step = decodeStepSeconds(shape, gpu, tensorParallel, together, together * (prompt + mean / 2));
  const last = decodeStepSeconds(shape, gpu, tensorParallel, 1, prompt + maxTokens);
  const prefilled = Math.max(1, prompts / samplers.length) * prompt;
  return (
    prefillSeconds(shape, gpu, tensorParallel, prefilled, prompt) +
    (share / together) * mean * step +
    (maxTokens - mean) * last
  );
}

function batchSeconds(
  { settings }: Workload,
  shape: ModelShape,
  gpu: Gpu,
  { trainer }: Layout,
  packTokens: number,
  { tokens, length, updates, scorings }: Batch,
) {
  const { recompute, offload, loraRank } = settings.trainer;
  const gpus = trainer.places.length;
  const spansHosts = new Set(trainer.places.map(({ host }) => host)).size > 1;
  const work = { recompute, adapters: loraRank > 0, offload, packTokens, length, spansHosts };
  const step = loraRank > 0 ? 0 : updateSeconds(shape, gpu, gpus, offload);
  return {
    scoring: scorings * scoreSeconds(shape, gpu, gpus, tokens, work),
    training: updates * (trainSeconds(shape, gpu, gpus, tokens / updates, work) + step),
  };
}
