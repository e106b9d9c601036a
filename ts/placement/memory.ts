import { type ModelShape, tokenBytes } from './shape.ts';
import { GIB } from './units.ts';
import { hasAnchor, longestRow, meanRow, modelsSampled, mostSamples, type Workload } from './workload.ts';

/** What a GPU holds in a phase. */
export interface Item {
  what: string;
  bytes: number;
  /** Computed anew whenever it is needed: sleeping drops it. */
  passing?: true;
  /** The same process samples from the same tensors, so that they are there once where it does both at a time. */
  shared?: true;
}

/** A GPU's memory in a phase: what it holds, the cache of keys and values last, and what is left. */
export interface Ledger {
  phase: 'sampling' | 'training' | 'sampling and training' | 'publishing';
  items: readonly Item[];
  /** Bytes that are left; below 0 where it does not fit. */
  free: number;
}

/** Bytes of a process's CUDA context, cuBLAS's workspaces and NCCL's buffers. */
export const PROCESS = GIB;

/** Share of the memory that is left alone: fragments, and what else is on the GPU. */
export const RESERVE = 0.05;

/**
 * Bytes of an engine's CUDA graphs, prompts under way and logits. vLLM's sleep mode leaves graphs and buffers where they
 * are, so those of an engine that sleeps are counted as if all of it stayed.
 */
export const ENGINE = 1.5 * GIB;

/**
 * Bytes of the logits of a chunk: 2^28 in float32, as scorer.py has it, and as much again while they become log-probs.
 */
export const LOGITS = 2 * GIB;

/** Fewest rows of mean length that a cache must hold: with fewer, nearly all of a decoding step is reading weights. */
export const LEAST_ROWS = 16;

/**
 * Most rows that decode side by side, whatever the memory: vLLM captures graphs up to this; the torch backend's own
 * bound.
 */
const MOST_ROWS = { vllm: 512, torch: 2048 };

/** Bytes of a weight in bfloat16; of one with its gradient and AdamW's two moments, all float32. */
const BF16 = 2;
const FP32 = 4;
export const TRAINED = 4 * FP32;

/** Weights of adapters on every linear layer but the output projection: rank * (in + out) each; of experts, none. */
export function adapterParameters(shape: ModelShape, rank: number): number {
  const { hidden, heads, kvHeads, headSize, intermediate, layers, experts } = shape;
  const [q, kv] = [heads * headSize, kvHeads * headSize];
  const attention = 2 * (hidden + q) + 2 * (hidden + kv);
  const mlp = experts === undefined ? 3 * (hidden + intermediate) : hidden + experts.count;
  return rank * layers * (attention + mlp);
}

/** How a GPU takes part in sampling. */
export interface SamplerShare {
  /** What is there but for the cache. */
  items: readonly Item[];
  /** Bytes that an engine takes while it is awake, but for the cache. */
  engine: number;
  /** Bytes of models that others are drawn from meanwhile, in the host's memory. */
  waiting: number;
  /** Of what is left, the share that the cache may take: torch's takes half. */
  cacheShare: number;
  /** Bytes of a token in the cache on this GPU. */
  tokenBytes: number;
  /** Bytes that the cache must have at least. */
  least: number;
  /** Most rows that decode side by side, whatever the memory. */
  mostRows: number;
}

/**
 * What a GPU that samples holds, weights in bfloat16. With the backend torch they are of every model that is loaded for
 * it, and adapters share one base. vLLM has an engine for each model, with whole weights, of which one is awake, and has
 * the whole cache; it is cut over `tensorParallel` GPUs. The cache must hold a sequence of the model's whole context for
 * vLLM to start.
 */
export function samplerShare(workload: Workload, shape: ModelShape, tensorParallel: number): SamplerShare {
  const { backend, settings } = workload;
  const vllm = backend === 'vllm';
  const models = modelsSampled(workload);
  const others = vllm ? models - 1 : 0;
  const rank = settings.trainer.loraRank;
  const whole = (BF16 * shape.parameters) / tensorParallel;
  const weights = vllm ? whole : rank > 0 ? whole + models * FP32 * adapterParameters(shape, rank) : models * whole;
  const whose = models === 1 ? 'the policy' : vllm ? `one of ${models} models` : `${models} models`;
  const asleep: Item = { what: 'vLLM: graphs of engines that sleep', bytes: others * ENGINE, passing: true };
  const perToken = tokenBytes(shape) * Math.max(1 / tensorParallel, 1 / shape.kvHeads);
  const rows = Math.min(LEAST_ROWS, mostSamples(workload, shape));
  const tokens = Math.max(rows * meanRow(workload, shape), longestRow(workload, shape), vllm ? shape.contextLength : 0);
  return {
    items: [
      { what: `weights of ${whose}, bfloat16`, bytes: weights },
      { what: vllm ? 'vLLM: graphs, prompts, logits' : 'prompts, logits', bytes: ENGINE, passing: true },
      ...(others === 0 ? [] : [asleep]),
    ],
    engine: weights + ENGINE,
    waiting: others * whole,
    cacheShare: vllm ? 1 : 0.5,
    tokenBytes: perToken,
    least: tokens * perToken,
    mostRows: MOST_ROWS[backend],
  };
}

/** Who trains: processes of a group, or the worker that also samples. */
export interface TrainerPlace {
  gpus: number;
  /** The same process samples. */
  single: boolean;
  packTokens: number;
}

/**
 * What a GPU that trains holds: its share of weights, gradient and moments (16 bytes a parameter), or those of adapters
 * over a bfloat16 base; what layers are gathered into; activations of a pack; logits; and the anchor of the KL term.
 *
 * Where one process trains it also has the weights that it publishes, and its anchor is bfloat16; a group has a float32
 * anchor that is cut up, too. A vLLM worker that trains computes under autocast, which keeps bfloat16 copies of all
 * weights.
 */
export function trainerItems(workload: Workload, shape: ModelShape, place: TrainerPlace): Item[] {
  const { backend, settings } = workload;
  const { gpus, single, packTokens } = place;
  const { loraRank, offload, recompute } = settings.trainer;
  const { parameters } = shape;
  const adapters = loraRank === 0 ? 0 : adapterParameters(shape, loraRank);
  const once = single && backend === 'torch' ? ({ shared: true } as const) : {};
  const items: Item[] = [];
  if (adapters > 0) {
    items.push({ what: 'base, bfloat16', bytes: BF16 * parameters, ...once });
    items.push({ what: 'adapters, gradient, moments, float32', bytes: TRAINED * adapters });
  } else {
    if (!offload) {
      items.push({ what: 'weights, float32', bytes: (FP32 * parameters) / gpus });
      items.push({ what: 'gradient, float32', bytes: (FP32 * parameters) / gpus });
      items.push({ what: 'AdamW moments, float32', bytes: (2 * FP32 * parameters) / gpus });
    }
    if (gpus === 1 && !single) items.push({ what: 'published weights, bfloat16', bytes: BF16 * parameters });
    if (hasAnchor(settings)) {
      if (gpus === 1) items.push({ what: 'KL anchor, bfloat16', bytes: BF16 * parameters, ...once });
      else if (!offload) items.push({ what: 'KL anchor, float32', bytes: (FP32 * parameters) / gpus });
    }
    items.push({ what: 'layers gathered, bfloat16', bytes: gatheredBytes(workload, shape, single), passing: true });
  }
  items.push({
    what: `activations of ${packTokens.toLocaleString('en')} tokens${recompute ? ', recomputed' : ''}`,
    bytes: activationBytes(shape, packTokens, recompute),
    passing: true,
  });
  items.push({ what: 'logits', bytes: LOGITS, passing: true });
  return items;
}

/** Bytes of what a role holds and must put somewhere when it sleeps: everything but what is computed anew. */
export function keptBytes(items: readonly Item[]): number {
  return sum(items.filter(({ passing }) => passing !== true));
}

/** Bytes that items take together. */
export function sum(items: readonly Item[]): number {
  return items.reduce((total, { bytes }) => total + bytes, 0);
}

/**
 * Two layers at a time (one computes, the next is fetched) and what is in no layer, all in bfloat16; beside them the
 * gradients of the largest of these, in bfloat16 and in float32 while they are summed. Under autocast: a copy of every
 * weight.
 */
function gatheredBytes({ backend }: Workload, shape: ModelShape, single: boolean): number {
  const { parameters, vocabulary, hidden, tied, layers } = shape;
  if (single && backend === 'vllm') return BF16 * parameters;
  const outside = (tied ? 1 : 2) * vocabulary * hidden;
  const layer = (parameters - outside) / layers;
  return BF16 * (2 * layer + outside) + (BF16 + FP32) * Math.max(layer, outside);
}

/**
 * What autograd keeps of a token in a layer, bfloat16 but for norms, which compute in float32: of each of two norms its
 * input and result in float32 and its output (10 bytes a channel), 6 more of the residual stream and what the
 * projections take; queries, keys and values before and after their norms and rotation (16 bytes a channel); four
 * tensors of the MLP's width; and of experts what each is given and gives. With recomputation a layer's input is all
 * that stays, and one layer is computed at a time, forward and backward.
 */
function activationBytes(shape: ModelShape, tokens: number, recompute: boolean): number {
  const { hidden, heads, kvHeads, headSize, intermediate, layers, experts } = shape;
  const routed = experts === undefined ? 0 : 2 * BF16 * hidden * experts.perToken;
  const layer = 26 * hidden + 16 * (heads + kvHeads) * headSize + 4 * BF16 * intermediate + routed;
  return tokens * (recompute ? layers * BF16 * hidden + 2 * layer : (layers + 1) * layer);
}
