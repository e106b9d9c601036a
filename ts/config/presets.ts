import { METHODS, type Method } from '../domain/published.ts';
import type { Config } from './schema.ts';

/** Part of a configuration; what is absent stays as it was. */
export type Overrides<T> = {
  [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? Overrides<T[K]> : T[K];
};

/** A named starting point: all of the parent's values, and the differences. */
export interface Preset {
  summary: string;
  extends?: string;
  values: Overrides<Config>;
}

const optimizer = {
  learningRate: 1e-6,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 1e-2,
  decayVectors: true,
  maxGradNorm: 1,
};
const credit = { advantage: 'grpo', zeroVariance: 'keep', overlong: 'keep', overlongPenalty: 0 } as const;
const loss = {
  loss: 'grpo',
  aggregation: 'token',
  clipLow: 0.2,
  clipHigh: 0.3,
  dualClip: 3,
  klCoef: 1e-2,
  klEstimator: 'k3',
  importanceCap: 2,
} as const;

/** A method's filter with lists of its own. */
function curriculum({ curriculum }: Method) {
  return { ...curriculum, questionWords: [...curriculum.questionWords], labelWords: [...curriculum.labelWords] };
}

/**
 * The paper's hyper-parameters (arXiv 2508.05004, appendix A) where it states them, else those of the
 * published code. Batches follow the published scripts: 512 prompts a step for both roles; a Challenger
 * update sees 16 prompts (its author's correction of the paper's 128), a Solver update 128.
 */
const paper: Config = {
  preset: 'paper',
  seed: 1,
  iterations: 3,
  arm: 'full',
  model: 'Qwen/Qwen3-4B-Base',
  worker: {
    backend: 'torch',
    threads: 1,
    count: null,
    trainerProcesses: 1,
    listen: '',
    keys: '',
    expect: 0,
    requestSamples: null,
    turns: false,
    handoverSeconds: 600,
    silenceSeconds: 30,
    returnSeconds: 30,
    deadlines: { load: 1800, sample: 1800, train: 1800, save: 1800 },
    restarts: 5,
    graceSeconds: 120,
  },
  storage: { checkpointEvery: 5, keepCheckpoints: 2, keepModels: 'every', keepAnswers: false },
  logging: { level: 'info' },
  tracking: { to: ['tensorboard'], project: 'rzero', name: '', entity: '', waitSeconds: 5 },
  placement: { hosts: 1, gpusPerHost: 0, gpu: '', layout: 'auto', trainerGpus: 0, tensorParallel: 0 },
  launch: {
    program: [],
    port: 5555,
    rendezvousPort: 29_500,
    slurm: {
      partition: '',
      account: '',
      qos: '',
      time: '',
      constraint: '',
      gpus: 'gpus-per-node',
      memory: '0',
      container: 'none',
      image: '',
      mounts: [],
      directives: [],
      prologue: [],
      requeues: 100,
    },
    kubernetes: {
      namespace: '',
      image: '',
      imagePullSecret: '',
      serviceAccount: '',
      claim: '',
      mountPath: '/rzero',
      sharedMemory: '16Gi',
      user: 10_001,
      queue: '',
      hubTokenSecret: '',
      nodeSelector: {},
      tolerations: [],
      leaderResources: { cpu: 4, memory: '16Gi' },
      workerResources: {},
      restarts: 100,
    },
    skypilot: {
      infra: '',
      image: '',
      spot: false,
      volume: '',
      bucket: '',
      mountPath: '/rzero',
      setup: [],
      restarts: 3,
    },
  },
  rewards: { challenger: { ...METHODS.paper.challenger, module: '' }, solver: METHODS.paper.solver },
  roles: {
    models: 'two',
    challengerFrom: 'previous',
    anchor: 'phase',
    anchorDecay: 0.99,
    judge: 'frozen',
    ensemble: 3,
  },
  // 4B weights and sequences of 4096 tokens: their activations fill a GPU.
  trainer: { packTokens: 0, recompute: true, offload: false, loraRank: 0, loraAlpha: 32 },
  challenger: {
    steps: 5,
    prompts: 512,
    rollouts: 4,
    miniBatch: 16 * 4,
    sampling: { temperature: 1, topP: 0.99, topK: 0, maxTokens: 4096 },
    optimizer,
    ...loss,
    credit,
    overAsk: 0,
  },
  questions: {
    ...curriculum(METHODS.paper),
    candidates: 8000,
    sampling: { temperature: 1, topP: 0.95, topK: 0, maxTokens: 4096 },
    votes: null,
    answersPerRound: 0,
    order: 'shuffled',
    shortfall: 'repeat',
    resamples: 3,
    overAsk: 0,
  },
  answering: {
    votes: 10,
    sampling: { temperature: 1, topP: 1, topK: 40, maxTokens: 4096 },
  },
  solver: {
    steps: 15,
    prompts: 512,
    rollouts: 5,
    miniBatch: 128 * 5,
    sampling: { temperature: 1, topP: 0.99, topK: 0, maxTokens: 4096 },
    optimizer,
    ...loss,
    credit,
    overAsk: 0,
  },
  evaluation: {
    problems: 640,
    samples: 4,
    sampling: { temperature: 1, topP: 1, topK: 0, maxTokens: 4096 },
  },
  // Where a threshold is published, see ts/domain/warnings.
  warnings: {
    diversity: { distinct: 0.7, bigrams: 0.6, cluster: 0.3, action: 'none' },
    labels: { floor: 0.6, fall: 0.1, audit: 0, probe: '', action: 'none' },
    'no-box': { share: 0.5, rise: 0.2, action: 'none' },
    length: { questions: 4, answers: 4, cut: 0.25, action: 'none' },
    entropy: { share: 0.1, action: 'none' },
    mismatch: { samplerKl: 0.01, capped: 0.01, action: 'none' },
    'nothing-kept': { batches: 1, action: 'none' },
    accuracy: { intervals: 1, action: 'none' },
  },
};

/**
 * The published code at the paper's sizes: its rewards and filter, 9 answers a candidate, and the five iterations of
 * its main script. Its training steps behind the checkpoint that it goes on with (1 and 5) are left out.
 */
const published = (method: Method): Overrides<Config> => ({
  iterations: 5,
  rewards: { challenger: method.challenger, solver: method.solver },
  questions: { ...curriculum(method), votes: 9 },
});

/** A backbone of the paper: the same hyper-parameters for all, sampled with vLLM. */
const backbone = (model: string): Preset => ({
  summary: `the paper's run of ${model}, sampled with vLLM`,
  extends: 'paper',
  values: { model, worker: { backend: 'vllm' } },
});

/** Presets by name. Each is the paper's method; what differs is what its `values` say. */
export const PRESETS: Record<string, Preset> = {
  paper: { summary: "the paper's sizes and learning rates, for a 4B backbone", values: paper },
  'repo-head': {
    summary: 'the rewards and the filter of the published code since 2025-12-10',
    extends: 'paper',
    values: published(METHODS['repo-head']),
  },
  'repo-2025': {
    summary: 'the same as published from August to December 2025, with its gate on the answer',
    extends: 'paper',
    values: published(METHODS['repo-2025']),
  },
  'qwen3-4b': backbone('Qwen/Qwen3-4B-Base'),
  'qwen3-8b': backbone('Qwen/Qwen3-8B-Base'),
  // Which of OctoThinker's branches (long, short, hybrid) it was, the paper does not say.
  'octothinker-3b': backbone('OctoThinker/OctoThinker-3B-Hybrid-Base'),
  'octothinker-8b': backbone('OctoThinker/OctoThinker-8B-Hybrid-Base'),
  'single-gpu-lora': {
    summary: 'Qwen3-4B-Base by low-rank adapters on one GPU of 24 GB, at a quarter of the sizes and half the length',
    extends: 'qwen3-4b',
    values: {
      trainer: { loraRank: 32, loraAlpha: 64 },
      challenger: {
        prompts: 128,
        sampling: { maxTokens: 2048 },
        // Adapters want about ten times the rate of all weights: Schulman et al., LoRA Without Regret, 2025.
        optimizer: { learningRate: 1e-5 },
      },
      questions: { candidates: 2000, sampling: { maxTokens: 2048 } },
      answering: { sampling: { maxTokens: 2048 } },
      solver: { prompts: 128, sampling: { maxTokens: 2048 }, optimizer: { learningRate: 1e-5 } },
      evaluation: { sampling: { maxTokens: 2048 } },
    },
  },
  embedded: {
    summary: 'the same method at sizes and learning rates for the embedded base model on one CPU core',
    extends: 'paper',
    values: {
      model: 'embedded',
      trainer: { recompute: false },
      challenger: {
        steps: 10,
        prompts: 1,
        rollouts: 64,
        miniBatch: 64,
        sampling: { maxTokens: 64 },
        optimizer: { learningRate: 5e-4 },
      },
      questions: { candidates: 400, sampling: { maxTokens: 64 } },
      answering: { sampling: { maxTokens: 64 } },
      solver: {
        steps: 15,
        prompts: 32,
        rollouts: 8,
        miniBatch: 256,
        sampling: { maxTokens: 64 },
        optimizer: { learningRate: 5e-4 },
      },
      evaluation: { sampling: { maxTokens: 64 } },
      warnings: { labels: { audit: 200 } },
    },
  },
  mock: {
    summary: 'the whole loop in seconds against the mock worker: no PyTorch, no model',
    extends: 'embedded',
    values: {
      model: 'mock://rzero',
      worker: { backend: 'mock' },
      storage: { checkpointEvery: 1 },
      tracking: { to: [] },
      iterations: 2,
      challenger: { steps: 3, rollouts: 16, miniBatch: 16, optimizer: { learningRate: 0.05 } },
      questions: { candidates: 32 },
      solver: { steps: 3, prompts: 8, rollouts: 4, miniBatch: 32, optimizer: { learningRate: 0.05 } },
      evaluation: { problems: 32, samples: 2 },
      // Of its made-up questions none is a problem of the arithmetic domain.
      warnings: { labels: { audit: 0 } },
    },
  },
};
