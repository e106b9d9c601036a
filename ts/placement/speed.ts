import type { Gpu } from './gpu.ts';
import { type ModelShape, multipliedParameters, tokenBytes } from './shape.ts';

/**
 * A roofline of what a model costs on a GPU: whatever is slower, its arithmetic or its traffic with memory, at a stated
 * share of the data sheet's peak, and what neither explains. Good for choosing between layouts and for a first idea of
 * a run's length; expect a factor of two. No constant here was measured with this project's worker.
 */

/** Bytes of a weight, a key or a value, an activation: bfloat16. */
const BF16 = 2;
/** Bytes of a trained weight and of its gradient: float32. */
const FP32 = 4;

/**
 * Share of the peak bandwidth that decoding reaches. Databricks measured 55 to 60 % of it at batch size 1 on A100 and
 * H100 (LLM Inference Performance Engineering, 2023); reads of a paged cache are no better.
 */
export const DECODE_BANDWIDTH = 0.6;

/** Share of the peak arithmetic that the matrix products of prompts, and of many rows decoding at once, reach. */
export const SAMPLE_FLOPS = 0.5;

/**
 * Share of the peak arithmetic that training and scoring reach, recomputation counted as work. prime-rl publishes 14 to
 * 35 % of model arithmetic at 4B on eight H100 and 11 to 27 % at 0.6B on one (benchmarks/results/BENCHMARKS.md,
 * 2026-02-01, sequences of 16k and 65k); our sequences are shorter. With recomputation a quarter is 19 % of model
 * arithmetic.
 */
export const TRAIN_FLOPS = 0.25;

/** Share of the peak that copies between GPUs, and between a GPU and its host (not all of it pinned), reach. */
export const LINK = 0.7;
export const HOST_LINK = 0.5;

/** Bytes a second, one way, between GPUs of two hosts: a port of 400 Gbit/s for each, as an HGX has. */
export const NETWORK = 50e9;

/** Seconds of a decoding step that are neither: scheduling, launches, drawing; and for each row its part of that. */
export const STEP_OVERHEAD = 2.5e-3;
export const ROW_OVERHEAD = 15e-6;

/** Seconds that the parts of a layer wait for each other where it is cut over several GPUs, twice a layer. */
export const ALL_REDUCE_LATENCY = 15e-6;

/** Seconds to launch what a layer computes in one pass over a pack, where the pack itself is too small to hide it. */
export const LAUNCHES = 3e-4;

/**
 * Seconds to hand weights over however few they are: folders, manifests, proofs; and for a role or a model to go to
 * sleep, or to wake.
 */
export const HANDOVER_OVERHEAD = 0.5;
export const TURN_OVERHEAD = 0.1;

/**
 * Bytes a second at which one thread writes weights to files, or reads them from there: a copy between pages of the
 * host's memory that are touched for the first time. Nobody waits for a disk.
 */
export const EXCHANGE = 2.5e9;

/**
 * Bytes a second whose SHA-256 one thread takes where the processor has instructions for it (SHA extensions of
 * Intel and AMD: about 2 cycles a byte, at 3 GHz); without them it is less than a third.
 */
export const SHA256 = 1.5e9;

/** Threads that take it at once, each of another file, and bytes of a file: those of manifest.py and checkpoint.py. */
export const HASH_THREADS = 8;
export const FILE_BYTES = 2 ** 30;

/** Bytes a second of weights whose bits one thread sums for their proof: 16-bit integers into sums of 64. */
export const CHECKSUM = 4e9;

/** Bytes a second of a host's memory, and of AdamW on its processors. */
export const HOST_MEMORY = 50e9;

/**
 * Seconds of one step of decoding: a token for each row.
 *
 * @param tensorParallel GPUs that hold the weights together, at least 1
 * @param rows sequences that decode side by side, at least 1
 * @param contextTokens tokens in the cache, of all rows together
 */
export function decodeStepSeconds(
  shape: ModelShape,
  gpu: Gpu,
  tensorParallel: number,
  rows: number,
  contextTokens: number,
): number {
  // A head of keys and values is on every GPU that has one of its query heads.
  const cacheShare = Math.max(1 / tensorParallel, 1 / shape.kvHeads);
  const bytes = (BF16 * weightsRead(shape, rows)) / tensorParallel + contextTokens * tokenBytes(shape) * cacheShare;
  const flops = (2 * multipliedParameters(shape) * rows + attentionFlops(shape, contextTokens)) / tensorParallel;
  const computed = Math.max(bytes / (gpu.bandwidth * DECODE_BANDWIDTH), flops / (gpu.flops * SAMPLE_FLOPS));
  return computed + allReduceSeconds(shape, gpu, tensorParallel, rows) + STEP_OVERHEAD + rows * ROW_OVERHEAD;
}

/**
 * Seconds to run prompts through the model.
 *
 * @param tokens of all prompts together; one that several samples share counts once
 * @param length tokens of a prompt
 */
export function prefillSeconds(
  shape: ModelShape,
  gpu: Gpu,
  tensorParallel: number,
  tokens: number,
  length: number,
): number {
  const flops = forwardFlops(shape, tokens, length) / tensorParallel;
  const alone = flops / (gpu.flops * SAMPLE_FLOPS);
  return tensorParallel === 1 ? alone : alone + allReduceSeconds(shape, gpu, tensorParallel, tokens);
}

/** How a model is trained. */
export interface TrainingWork {
  /** Activations are computed again in the backward pass. */
  recompute: boolean;
  /** Adapters alone are trained: no gradient of other weights. */
  adapters?: boolean;
  /** Weights, gradient and moments wait in the host's memory. */
  offload?: boolean;
  /** Tokens computed at once, at least 1. */
  packTokens: number;
  /** Tokens of a sequence. */
  length: number;
  /** The trainer's GPUs are on several hosts. */
  spansHosts?: boolean;
}

/**
 * Seconds to compute the gradient of a batch on a group of GPUs: 6 operations a parameter and token (2 forward, 4
 * backward; 2 fewer without a gradient of the weights, 2 more with recomputation), and those of attention. While a pack
 * is computed its layers are gathered, forward and backward, and its gradients are summed; the slower of both counts.
 *
 * @param gpus that train together, at least 1
 * @param tokens of the batch
 */
export function trainSeconds(shape: ModelShape, gpu: Gpu, gpus: number, tokens: number, work: TrainingWork): number {
  const passes = (work.adapters ? 2 : 3) + (work.recompute ? 1 : 0);
  return packSeconds(shape, gpu, gpus, tokens, work, passes, 2 * BF16 + FP32);
}

/** Seconds to compute the log-probs of given tokens: one forward pass, shared out as training is. */
export function scoreSeconds(
  shape: ModelShape,
  gpu: Gpu,
  gpus: number,
  tokens: number,
  work: Omit<TrainingWork, 'recompute' | 'adapters'>,
): number {
  return packSeconds(shape, gpu, gpus, tokens, work, 1, BF16);
}

/** Seconds of one step of AdamW: weight, gradient and two moments are read, and all but the gradient written. */
export function updateSeconds(shape: ModelShape, gpu: Gpu, gpus: number, offload = false): number {
  const bytes = (7 * FP32 * shape.parameters) / gpus;
  return bytes / (offload ? HOST_MEMORY / gpus : gpu.bandwidth * DECODE_BANDWIDTH);
}

/** Seconds to hand trained weights to other workers: they are written, and then all samplers take them at once. */
export function handoverSeconds(shape: ModelShape, gpu: Gpu, gpus: number): number {
  return writeSeconds(shape, gpu, gpus) + takeSeconds(shape, gpu);
}

/**
 * Seconds to write trained weights to files: each GPU rounds its piece of them to bfloat16, rank 0 gathers them
 * and copies them to the host, one thread writes the files, and several take their SHA-256.
 *
 * @param gpus that train together
 */
export function writeSeconds(shape: ModelShape, gpu: Gpu, gpus: number): number {
  const bytes = BF16 * shape.parameters;
  const gathered = gpus === 1 ? 0 : bytes / (gpu.link * LINK);
  return HANDOVER_OVERHEAD + gathered + bytes / (gpu.hostLink * HOST_LINK) + bytes / EXCHANGE + hashSeconds(bytes);
}

/** Seconds to take written weights: several threads verify the files, one reads them and sums their bits, the GPU gets them. */
export function takeSeconds(shape: ModelShape, gpu: Gpu): number {
  const bytes = BF16 * shape.parameters;
  return hashSeconds(bytes) + bytes / EXCHANGE + bytes / CHECKSUM + bytes / (gpu.hostLink * HOST_LINK);
}

/** Seconds to take the SHA-256 of weights; a thread has whole files. */
function hashSeconds(bytes: number): number {
  const threads = Math.min(HASH_THREADS, Math.ceil(bytes / FILE_BYTES));
  return bytes / (threads * SHA256);
}

/** Seconds to copy trained weights to those that the same worker samples from: read in float32, written in bfloat16. */
export function publishSeconds(shape: ModelShape, gpu: Gpu): number {
  return ((FP32 + BF16) * shape.parameters) / (gpu.bandwidth * DECODE_BANDWIDTH);
}

/**
 * Seconds to put what a role holds on a GPU into the host's memory, so many bytes; caches are dropped and count
 * nothing.
 */
export function sleepSeconds(bytes: number, gpu: Gpu): number {
  return TURN_OVERHEAD + bytes / (gpu.hostLink * HOST_LINK);
}

/** Seconds to take it back. */
export function wakeSeconds(bytes: number, gpu: Gpu): number {
  return sleepSeconds(bytes, gpu);
}

/** Seconds to draw from another model than before: one, of so many bytes on a GPU, goes to sleep, and another wakes. */
export function switchSeconds(bytes: number, gpu: Gpu): number {
  return sleepSeconds(bytes, gpu) + wakeSeconds(bytes, gpu);
}

/** Operations of a forward pass over sequences, each token looking at half its sequence on average. */
function forwardFlops(shape: ModelShape, tokens: number, length: number): number {
  return 2 * multipliedParameters(shape) * tokens + attentionFlops(shape, (tokens * length) / 2);
}

/** Operations of queries with keys, and of weights with values, for pairs of tokens in each head of each layer. */
function attentionFlops({ heads, headSize, layers }: ModelShape, pairs: number): number {
  return 4 * heads * headSize * layers * pairs;
}

/** Weights that a step with so many rows reads: of experts, those that some row is likely to go through. */
function weightsRead(shape: ModelShape, rows: number): number {
  const { experts, parameters, activeParameters } = shape;
  const looked = shape.tied ? 0 : shape.vocabulary * shape.hidden;
  if (experts === undefined) return parameters - looked;
  const { count, perToken } = experts;
  const all = (parameters - activeParameters) / (1 - perToken / count);
  return parameters - looked - all * (1 - perToken / count) ** rows;
}

function allReduceSeconds({ layers, hidden }: ModelShape, gpu: Gpu, tensorParallel: number, tokens: number): number {
  if (tensorParallel === 1) return 0;
  const bytes = ((2 * (tensorParallel - 1)) / tensorParallel) * tokens * hidden * BF16;
  return 2 * layers * (ALL_REDUCE_LATENCY + bytes / (gpu.link * LINK));
}

/**
 * @param passes over the model, a forward one being 1
 * @param moved bytes a parameter that a pack has gathered or summed
 */
function packSeconds(
  shape: ModelShape,
  gpu: Gpu,
  gpus: number,
  tokens: number,
  { packTokens, length, offload = false, spansHosts = false }: Omit<TrainingWork, 'recompute'>,
  passes: number,
  moved: number,
): number {
  if (tokens === 0) return 0;
  // In as many rounds as the largest packs need; then the packs are cut to keep all GPUs busy, but no sequence is.
  const rounds = Math.ceil(tokens / (packTokens * gpus));
  const pack = Math.max(tokens / (rounds * gpus), Math.min(tokens, length));
  const computed = (passes * forwardFlops(shape, pack, length)) / (gpu.flops * TRAIN_FLOPS);
  const bytes = moved * shape.parameters;
  const link = spansHosts ? Math.min(NETWORK, gpu.link) : gpu.link;
  const gathered = (bytes * (gpus - 1)) / gpus / (link * LINK);
  const fetched = offload ? bytes / gpus / (gpu.hostLink * HOST_LINK) : 0;
  return rounds * Math.max(computed, gathered + fetched, passes * shape.layers * LAUNCHES);
}
