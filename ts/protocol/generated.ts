// Generated from proto/protocol.yml by proto/generate.mjs. Do not edit: change the source, then `npm run generate`.
import type { CallOptions, Codec } from './primitives.ts';
import {
  tBool,
  tBytes,
  tEnum,
  tEnvelope,
  tF32s,
  tFloat,
  tI32s,
  tInt,
  tList,
  tMap,
  tOptional,
  tString,
  tStruct,
  tU32s,
  tU8s,
} from './primitives.ts';
import { tRanged, tRangedItems } from './ranges.ts';

export type { CallOptions, Codec } from './primitives.ts';

/** Limits that both sides keep to, beside the ranges of the fields. */
export const LIMITS = {
  /** a frame; ZeroMQ drops the connection of a peer that sends more */
  messageBytes: 2 ** 30,
  /** maps and lists inside each other in a message */
  messageDepth: 64,
  /** values of all kinds in a message, map keys included */
  messageValues: 2 ** 22,
  /** a model's newest answers to gradient verbs that a repeated seq is answered with */
  answersKept: 1024,
  /** running work that does not let go when the worker stops is ended after them */
  shutdownSeconds: 5,
} as const;

/** One of {@link ROLE_VALUES}. */
export type Role = 'system' | 'user' | 'assistant';
/** Every Role, in the order of the source. */
export const ROLE_VALUES = ['system', 'user', 'assistant'] as const;
export const tRole = tEnum<Role>('Role', ROLE_VALUES);

/** One of {@link STOP_REASON_VALUES}. */
export type StopReason = 'stop' | 'length';
/** Every StopReason, in the order of the source. */
export const STOP_REASON_VALUES = ['stop', 'length'] as const;
export const tStopReason = tEnum<StopReason>('StopReason', STOP_REASON_VALUES);

/** One of {@link CAPABILITY_VALUES}. */
export type Capability = 'sample' | 'train';
/** Every Capability, in the order of the source. */
export const CAPABILITY_VALUES = ['sample', 'train'] as const;
export const tCapability = tEnum<Capability>('Capability', CAPABILITY_VALUES);

/** One of {@link LOSS_VALUES}. */
export type Loss = 'policy_gradient' | 'grpo' | 'gspo' | 'cispo';
/** Every Loss, in the order of the source. */
export const LOSS_VALUES = ['policy_gradient', 'grpo', 'gspo', 'cispo'] as const;
export const tLoss = tEnum<Loss>('Loss', LOSS_VALUES);

/** One of {@link AGGREGATION_VALUES}. */
export type Aggregation = 'token' | 'sequence';
/** Every Aggregation, in the order of the source. */
export const AGGREGATION_VALUES = ['token', 'sequence'] as const;
export const tAggregation = tEnum<Aggregation>('Aggregation', AGGREGATION_VALUES);

/** One of {@link KL_ESTIMATOR_VALUES}. */
export type KlEstimator = 'k1' | 'k2' | 'k3';
/** Every KlEstimator, in the order of the source. */
export const KL_ESTIMATOR_VALUES = ['k1', 'k2', 'k3'] as const;
export const tKlEstimator = tEnum<KlEstimator>('KlEstimator', KL_ESTIMATOR_VALUES);

/** One of {@link WEIGHT_FORMAT_VALUES}. */
export type WeightFormat = 'safetensors' | 'pickle';
/** Every WeightFormat, in the order of the source. */
export const WEIGHT_FORMAT_VALUES = ['safetensors', 'pickle'] as const;
export const tWeightFormat = tEnum<WeightFormat>('WeightFormat', WEIGHT_FORMAT_VALUES);

/**
 * - `packs`: sequences lie side by side in one row, without padding
 * - `padded`: it cannot be packed, and is trained on padded rectangles
 * - `tried`: whether it can be packed only shows with its weights
 */
export type Packing = 'packs' | 'padded' | 'tried';
/** Every Packing, in the order of the source. */
export const PACKING_VALUES = ['packs', 'padded', 'tried'] as const;
export const tPacking = tEnum<Packing>('Packing', PACKING_VALUES);

/**
 * - `remote_code`: it needs code of its own, which never runs
 * - `no_weights`: there are no weights, or not all of them
 * - `pickles`: its weights are pickles alone, which can run code and are never read
 * - `no_tokenizer`: it has none, or one that cannot be loaded
 * - `unknown_architecture`: transformers cannot make such a model
 * - `not_trainable`: its logits cannot be computed from what the model gives
 * - `not_sampled`: this worker cannot draw from such a model
 */
export type ObstacleCode =
  | 'remote_code'
  | 'no_weights'
  | 'pickles'
  | 'no_tokenizer'
  | 'unknown_architecture'
  | 'not_trainable'
  | 'not_sampled';
/** Every ObstacleCode, in the order of the source. */
export const OBSTACLE_CODE_VALUES = [
  'remote_code',
  'no_weights',
  'pickles',
  'no_tokenizer',
  'unknown_architecture',
  'not_trainable',
  'not_sampled',
] as const;
export const tObstacleCode = tEnum<ObstacleCode>('ObstacleCode', OBSTACLE_CODE_VALUES);

/**
 * - `invalid_request`: a field is missing, unknown, of the wrong type or out of range
 * - `unauthorized`: the token or the protocol hash is not the orchestrator's
 * - `unknown_model`: no model is loaded under this modelId
 * - `model_unloadable`: the source is not a usable Hugging Face model (details say what is missing)
 * - `hub_unavailable`: the hub does not answer, and what is asked for is not in the cache
 * - `hub_forbidden`: the hub wants a token with the right to this model
 * - `not_trainable`: a gradient verb on a model that was loaded with trainable: false
 * - `sequence_conflict`: this seq was used before, with another payload
 * - `stale_weights`: the published weights are not of the version that was asked for
 * - `out_of_memory`: nothing was changed; the worker computes less at once from now on, so asking again may do
 * - `not_finite`: a loss or gradient is NaN or infinite; the message names the sequences; nothing was changed
 * - `io_error`: a checkpoint could not be written or read
 * - `internal`: a bug in the worker; details carry the traceback
 */
export type ErrorCode =
  | 'invalid_request'
  | 'unauthorized'
  | 'unknown_model'
  | 'model_unloadable'
  | 'hub_unavailable'
  | 'hub_forbidden'
  | 'not_trainable'
  | 'sequence_conflict'
  | 'stale_weights'
  | 'out_of_memory'
  | 'not_finite'
  | 'cancelled'
  | 'io_error'
  | 'internal';
/** Every ErrorCode, in the order of the source. */
export const ERROR_CODE_VALUES = [
  'invalid_request',
  'unauthorized',
  'unknown_model',
  'model_unloadable',
  'hub_unavailable',
  'hub_forbidden',
  'not_trainable',
  'sequence_conflict',
  'stale_weights',
  'out_of_memory',
  'not_finite',
  'cancelled',
  'io_error',
  'internal',
] as const;
export const tErrorCode = tEnum<ErrorCode>('ErrorCode', ERROR_CODE_VALUES);

/** One turn of a conversation. */
export interface Message {
  role: Role;
  content: string;
}
export const tMessage = tStruct<Message>('Message', {
  role: tRole,
  content: tRanged(tString, { le: 2 ** 24 }),
});

/** Turns in order. A last turn by the assistant is a prefix that the model continues. */
export interface Conversation {
  messages: readonly Message[];
}
export const tConversation = tStruct<Conversation>('Conversation', {
  messages: tRanged(tList(tMessage), { ge: 1, le: 4096 }),
});

/** How tokens are drawn. Log-probs are those of the processed distribution, the one drawn from. */
export interface Sampling {
  /** 0 is greedy; else logits are divided by it */
  temperature: number;
  /** 1 is off */
  topP: number;
  /** 0 is off */
  topK: number;
  /** most new tokens a sample may have */
  maxTokens: number;
  /** a sample ends with the token that completes one of these; its text ends before it */
  stop?: readonly string[];
}
export const tSampling = tStruct<Sampling>('Sampling', {
  temperature: tRanged(tFloat, { ge: 0 }),
  topP: tRanged(tFloat, { gt: 0, le: 1 }),
  topK: tRanged(tInt, { ge: 0 }),
  maxTokens: tRanged(tInt, { ge: 1, lt: 2 ** 31 }),
  stop: tOptional(tRanged(tList(tRanged(tString, { ge: 1, le: 256 })), { le: 16 })),
});

/**
 * n samples for each conversation, conversation by conversation. Token arrays are concatenated in that order; the
 * length arrays say where each one ends.
 */
export interface SampleBatch {
  weightsVersion: number;
  /** one run per conversation */
  promptTokens: Int32Array;
  /** [conversations] */
  promptLengths: Int32Array;
  /** one run per sample, the stop token included */
  tokens: Int32Array;
  /** [conversations * n] */
  lengths: Int32Array;
  /** aligned with tokens */
  logprobs: Float32Array;
  /** [conversations * n], decoded without the stop token, cut before a stop string */
  texts: readonly string[];
  stopReasons: readonly StopReason[];
}
export const tSampleBatch = tStruct<SampleBatch>('SampleBatch', {
  weightsVersion: tRanged(tInt, { ge: 0 }),
  promptTokens: tI32s,
  promptLengths: tI32s,
  tokens: tI32s,
  lengths: tI32s,
  logprobs: tF32s,
  texts: tList(tString),
  stopReasons: tList(tStopReason),
});

/** Sequences (prompt and completion together), concatenated. Everything a loss needs is in here. */
export interface TrainBatch {
  /** concatenated sequences */
  tokens: Int32Array;
  /** [sequences] */
  lengths: Int32Array;
  /** aligned with tokens; 1 where the token is trained */
  mask: Uint8Array;
  /** [sequences] */
  advantages: Float32Array;
  /** aligned with tokens; absent: the current policy's own, so the ratio is 1 */
  oldLogprobs?: Float32Array;
  /** aligned with tokens; needed when klCoef > 0 */
  refLogprobs?: Float32Array;
  /** aligned with tokens, as `sample` reported them; needed when importanceCap > 0 */
  sampleLogprobs?: Float32Array;
}
export const tTrainBatch = tStruct<TrainBatch>('TrainBatch', {
  tokens: tRangedItems(tI32s, { ge: 0 }),
  lengths: tRangedItems(tI32s, { ge: 1 }),
  mask: tRangedItems(tU8s, { ge: 0, le: 1 }),
  advantages: tRangedItems(tF32s, {}),
  oldLogprobs: tOptional(tRangedItems(tF32s, {})),
  refLogprobs: tOptional(tRangedItems(tF32s, {})),
  sampleLogprobs: tOptional(tRangedItems(tF32s, {})),
});

/** A loss by name with its coefficients (py_worker/rzero_worker/losses.py has the formulas). */
export interface LossSpec {
  name: Loss;
  /** what is summed and divided by the normalizer: token losses, or their mean in each sequence */
  aggregation: Aggregation;
  /** ratio is clipped at 1 - clipLow */
  clipLow: number;
  /** ... and 1 + clipHigh */
  clipHigh: number;
  /** bound for negative advantages, above 1; 0 is off */
  dualClip: number;
  /** weight of the estimate of KL(policy || reference) */
  klCoef: number;
  klEstimator: KlEstimator;
  /** truncated importance sampling: the most that policy / sampler may weigh; 0 is off */
  importanceCap: number;
  /** of the distribution that was sampled from */
  temperature: number;
}
export const tLossSpec = tStruct<LossSpec>('LossSpec', {
  name: tLoss,
  aggregation: tAggregation,
  clipLow: tRanged(tFloat, { ge: 0, le: 1 }),
  clipHigh: tRanged(tFloat, { ge: 0 }),
  dualClip: tRanged(tFloat, { ge: 0 }),
  klCoef: tRanged(tFloat, { ge: 0 }),
  klEstimator: tKlEstimator,
  importanceCap: tRanged(tFloat, { ge: 0 }),
  temperature: tRanged(tFloat, { gt: 0 }),
});

/** How a model is trained. What a worker cannot do is invalid_request. */
export interface Training {
  /** most tokens computed at once; 0: as the device allows */
  packTokens: number;
  /** activations in the backward pass: less memory, more time */
  recompute: boolean;
  /** weights, gradient and optimiser wait in the host's memory */
  offload: boolean;
  /** of low-rank adapters, which are then all that is trained; 0 trains every weight */
  loraRank: number;
  /** an adapter weighs loraAlpha / loraRank */
  loraAlpha: number;
}
export const tTraining = tStruct<Training>('Training', {
  packTokens: tRanged(tInt, { ge: 0, lt: 2 ** 31 }),
  recompute: tBool,
  offload: tBool,
  loraRank: tRanged(tInt, { ge: 0, le: 4096 }),
  loraAlpha: tRanged(tFloat, { gt: 0 }),
});

/** What the published weights are, as the one who samples from them holds them. */
export interface WeightsProof {
  /** equal weights, rounded to bfloat16, have equal ones */
  checksum: string;
  /** log-probs of the probe tokens at temperature 1; README says which these are */
  probe: Float32Array;
}
export const tWeightsProof = tStruct<WeightsProof>('WeightsProof', {
  checksum: tString,
  probe: tF32s,
});

/** AdamW with decoupled weight decay. */
export interface Adam {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** whether weights of one dimension, norms and biases, decay too */
  decayVectors: boolean;
  /** global norm; 0 is off */
  maxGradNorm: number;
}
export const tAdam = tStruct<Adam>('Adam', {
  learningRate: tRanged(tFloat, { ge: 0 }),
  beta1: tRanged(tFloat, { ge: 0, lt: 1 }),
  beta2: tRanged(tFloat, { ge: 0, lt: 1 }),
  epsilon: tRanged(tFloat, { gt: 0 }),
  weightDecay: tRanged(tFloat, { ge: 0 }),
  decayVectors: tBool,
  maxGradNorm: tRanged(tFloat, { ge: 0 }),
});

/** A GPU as the driver's tool lists it, whoever may use it. */
export interface Gpu {
  name: string;
  /** as in Hello.devices, behind the host's name */
  uuid: string;
  memoryBytes: number;
  freeBytes: number;
}
export const tGpu = tStruct<Gpu>('Gpu', {
  name: tRanged(tString, { le: 256 }),
  uuid: tRanged(tString, { le: 256 }),
  memoryBytes: tRanged(tInt, { ge: 0 }),
  freeBytes: tRanged(tInt, { ge: 0 }),
});

/** A folder, or where it is going to be, and the file system below it. */
export interface Folder {
  path: string;
  /** ext4, overlay, nfs4, lustre, ...; "" where the system does not tell */
  fileSystem: string;
  /** that a process without privileges may take; quotas are not known */
  freeBytes: number;
}
export const tFolder = tStruct<Folder>('Folder', {
  path: tRanged(tString, { le: 4096 }),
  fileSystem: tRanged(tString, { le: 64 }),
  freeBytes: tRanged(tInt, { ge: 0 }),
});

/** What the machine of a worker has, as far as it tells without loading a library or touching a GPU. */
export interface Machine {
  host: string;
  /** e.g. Linux-6.1.0-x86_64-with-glibc2.36 */
  platform: string;
  python: string;
  /** versions of those that are installed and matter: torch, vllm, pyzmq, ... */
  packages: Readonly<Record<string, string>>;
  /** whether its ZeroMQ can encrypt */
  curve: boolean;
  /** the CUDA that torch was built for, 12.8; "" for a build without, or no torch */
  torchCuda: string;
  /** of NVIDIA, 550.54.15; "" where there is none */
  driver: string;
  gpus: readonly Gpu[];
  /** that the process may run on */
  cpus: number;
  /** of the host, or that its container may have */
  memoryBytes: number;
  memoryFreeBytes: number;
  /** of /dev/shm; 0 where there is none */
  shmBytes: number;
  shmFreeBytes: number;
  workingFolder: Folder;
  /** where huggingface_hub keeps models */
  hubCache: Folder;
  /** whether it has one for the hub; never which */
  hubToken: boolean;
  /** most that the process may have open; 0 for no limit */
  openFiles: number;
  /** seconds since 1970 */
  clock: number;
}
export const tMachine = tStruct<Machine>('Machine', {
  host: tRanged(tString, { le: 256 }),
  platform: tRanged(tString, { le: 256 }),
  python: tRanged(tString, { le: 64 }),
  packages: tRanged(tMap(tRanged(tString, { le: 256 })), { le: 64 }),
  curve: tBool,
  torchCuda: tRanged(tString, { le: 64 }),
  driver: tRanged(tString, { le: 64 }),
  gpus: tRanged(tList(tGpu), { le: 64 }),
  cpus: tRanged(tInt, { ge: 0 }),
  memoryBytes: tRanged(tInt, { ge: 0 }),
  memoryFreeBytes: tRanged(tInt, { ge: 0 }),
  shmBytes: tRanged(tInt, { ge: 0 }),
  shmFreeBytes: tRanged(tInt, { ge: 0 }),
  workingFolder: tFolder,
  hubCache: tFolder,
  hubToken: tBool,
  openFiles: tRanged(tInt, { ge: 0 }),
  clock: tRanged(tFloat, { ge: 0 }),
});

/** The struct Token. */
export interface Token {
  id: number;
  /** as the tokenizer writes it */
  text: string;
}
export const tToken = tStruct<Token>('Token', {
  id: tRanged(tInt, { ge: 0 }),
  text: tString,
});

/** A text, and what came back of it. */
export interface RoundTrip {
  text: string;
  back: string;
}
export const tRoundTrip = tStruct<RoundTrip>('RoundTrip', {
  text: tString,
  back: tString,
});

/** The struct ChatTemplate. */
export interface ChatTemplate {
  /** what it opens the assistant's turn with; "" where it does not */
  cue: string;
  /** the special token that it ends the assistant's turns with; absent: it has none */
  endOfTurn?: Token;
}
export const tChatTemplate = tStruct<ChatTemplate>('ChatTemplate', {
  cue: tString,
  endOfTurn: tOptional(tToken),
});

/** The struct Tokenizer. */
export interface Tokenizer {
  /** of its class */
  name: string;
  /** its highest id, and one more */
  size: number;
  /** absent: turns are lines of text */
  template?: ChatTemplate;
  /** those that end a sample */
  eos: readonly Token[];
  pad?: Token;
  /** of a few texts of mathematics, those that decode(encode(text)) changes */
  changed: readonly RoundTrip[];
}
export const tTokenizer = tStruct<Tokenizer>('Tokenizer', {
  name: tString,
  size: tRanged(tInt, { ge: 0 }),
  template: tOptional(tChatTemplate),
  eos: tList(tToken),
  pad: tOptional(tToken),
  changed: tList(tRoundTrip),
});

/** A conversation as the model would get it. */
export interface RenderedPrompt {
  /** special tokens as they are written; "" where it is refused */
  text: string;
  tokens: number;
  /** the template takes no system turn: its text opens the user's */
  merged: boolean;
  /** why the template does not take it */
  refused?: string;
}
export const tRenderedPrompt = tStruct<RenderedPrompt>('RenderedPrompt', {
  text: tString,
  tokens: tRanged(tInt, { ge: 0 }),
  merged: tBool,
  refused: tOptional(tString),
});

/** What a model's weights are on disk, or on the hub. */
export interface WeightFiles {
  formats: readonly WeightFormat[];
  /** of the safetensors, or of the pickles where there are no others */
  bytes: number;
  /** as safetensors name them: BF16, F32; none where that is not known */
  types: readonly string[];
}
export const tWeightFiles = tStruct<WeightFiles>('WeightFiles', {
  formats: tList(tWeightFormat),
  bytes: tRanged(tInt, { ge: 0 }),
  types: tList(tString),
});

/** What a model's card says; "" where it says nothing. */
export interface Licence {
  /** as the hub names it: apache-2.0, gemma, other */
  id: string;
  /** of one that is `other` */
  name: string;
  link: string;
  /** a file of the text, LICENSE for example */
  file: string;
  /** those that it was made from */
  baseModels: readonly string[];
}
export const tLicence = tStruct<Licence>('Licence', {
  id: tString,
  name: tString,
  link: tString,
  file: tString,
  baseModels: tList(tString),
});

/** Why load_model would refuse a model, or could not use it. */
export interface Obstacle {
  code: ObstacleCode;
  message: string;
}
export const tObstacle = tStruct<Obstacle>('Obstacle', {
  code: tObstacleCode,
  message: tString,
});

/** The struct WorkerError. */
export interface WorkerError {
  code: ErrorCode;
  message: string;
  details?: string;
}
export const tWorkerError = tStruct<WorkerError>('WorkerError', {
  code: tErrorCode,
  message: tString,
  details: tOptional(tString),
});

/** A worker's first message on a new connection. */
export interface Hello {
  kind: 'Hello';
  protocolHash: string;
  /** shared secret from the environment, never on a command line; "" under CURVE */
  token: string;
  /** for people: a name in logs */
  workerId: string;
  /** drawn anew by every process: the same one on every connection of it */
  instanceId: string;
  backend: string;
  capabilities: readonly Capability[];
  losses: readonly Loss[];
  /** e.g. python, torch, transformers */
  versions: Readonly<Record<string, string>>;
  pid: number;
  /** whose memory it fills, the same name for the same device everywhere; none: the host's */
  devices: readonly string[];
  /** samples that it decodes side by side: with fewer at hand it is partly idle */
  rows: number;
}
export const tHello = tEnvelope<Hello>('Hello', {
  protocolHash: tRanged(tString, { le: 256 }),
  token: tRanged(tString, { le: 1024 }),
  workerId: tRanged(tString, { le: 256 }),
  instanceId: tRanged(tString, { ge: 1, le: 256 }),
  backend: tRanged(tString, { ge: 1, le: 256 }),
  capabilities: tRanged(tList(tCapability), { le: 64 }),
  losses: tRanged(tList(tLoss), { le: 64 }),
  versions: tRanged(tMap(tRanged(tString, { le: 1024 })), { le: 256 }),
  pid: tRanged(tInt, { ge: 0 }),
  devices: tRanged(tList(tRanged(tString, { ge: 1, le: 256 })), { le: 1024 }),
  rows: tRanged(tInt, { ge: 1, le: 2 ** 20 }),
});

/** The struct Welcome. */
export interface Welcome {
  kind: 'Welcome';
  protocolHash: string;
  /** its id: another run's orchestrator has no claim on what a worker holds */
  run: string;
  /** which orchestrator of the run this is; a later one's is higher, and fences the earlier ones off */
  attempt: number;
  /** how often the worker shall send a Heartbeat */
  heartbeatSeconds: number;
}
export const tWelcome = tEnvelope<Welcome>('Welcome', {
  protocolHash: tRanged(tString, { le: 256 }),
  run: tRanged(tString, { ge: 1, le: 64 }),
  attempt: tRanged(tInt, { ge: 0 }),
  heartbeatSeconds: tRanged(tFloat, { ge: 0.01, le: 3600 }),
});

/** Sent at least every heartbeatSeconds by a thread that work cannot block, so its absence means something. */
export interface Heartbeat {
  kind: 'Heartbeat';
  /** the verb being executed, or "" */
  busy: string;
  /** work requests that wait behind it */
  queued: number;
  /** grows while work is done */
  progress: number;
}
export const tHeartbeat = tEnvelope<Heartbeat>('Heartbeat', {
  busy: tRanged(tString, { le: 64 }),
  queued: tRanged(tInt, { ge: 0 }),
  progress: tRanged(tInt, { ge: 0 }),
});

/** The struct Refusal. */
export interface Refusal {
  kind: 'Refusal';
  error: WorkerError;
}
export const tRefusal = tEnvelope<Refusal>('Refusal', {
  error: tWorkerError,
});

/** The struct Request. */
export interface Request {
  kind: 'Request';
  /** unique in a connection, increasing */
  id: number;
  verb: string;
  /** the verb's params, packed; opaque to whoever only routes */
  params: Uint8Array;
}
export const tRequest = tEnvelope<Request>('Request', {
  id: tRanged(tInt, { ge: 0 }),
  verb: tRanged(tString, { ge: 1, le: 64 }),
  params: tBytes,
});

/** The struct Response. */
export interface Response {
  kind: 'Response';
  id: number;
  /** the verb's result, packed */
  result: Uint8Array;
}
export const tResponse = tEnvelope<Response>('Response', {
  id: tRanged(tInt, { ge: 0 }),
  result: tBytes,
});

/** The struct Failure. */
export interface Failure {
  kind: 'Failure';
  id: number;
  error: WorkerError;
}
export const tFailure = tEnvelope<Failure>('Failure', {
  id: tRanged(tInt, { ge: 0 }),
  error: tWorkerError,
});

/** How far a long request is. Monotone in `done`; the last one may be missing. */
export interface Progress {
  kind: 'Progress';
  id: number;
  done: number;
  total: number;
}
export const tProgress = tEnvelope<Progress>('Progress', {
  id: tRanged(tInt, { ge: 0 }),
  done: tRanged(tInt, { ge: 0 }),
  total: tRanged(tInt, { ge: 0 }),
});

/** Parameters of `load_model`. */
export interface LoadModelParams {
  modelId: string;
  /** a Hugging Face folder, or a hub name where the worker has network */
  source: string;
  trainable: boolean;
  /** of a trainable model; absent: every weight, as the device allows */
  training?: Training;
  /** what a frozen model is for; absent: both. What it is not for it may do slowly the first time */
  role?: Capability;
  seed: number;
}
export const tLoadModelParams = tStruct<LoadModelParams>('LoadModelParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  source: tRanged(tString, { ge: 1, le: 4096 }),
  trainable: tBool,
  training: tOptional(tTraining),
  role: tOptional(tCapability),
  seed: tRanged(tInt, { ge: 0 }),
});

/** Result of `load_model`. */
export interface LoadModelResult {
  architecture: string;
  parameters: number;
  vocabularySize: number;
  /** tokens, prompt and completion together */
  contextLength: number;
  /** 0 */
  weightsVersion: number;
}
export const tLoadModelResult = tStruct<LoadModelResult>('LoadModelResult', {
  architecture: tString,
  parameters: tRanged(tInt, { ge: 0 }),
  vocabularySize: tRanged(tInt, { ge: 0 }),
  contextLength: tRanged(tInt, { ge: 0 }),
  weightsVersion: tRanged(tInt, { ge: 0 }),
});

/** Parameters of `inspect_model`. */
export interface InspectModelParams {
  /** as for load_model */
  source: string;
  conversations: readonly Conversation[];
}
export const tInspectModelParams = tStruct<InspectModelParams>('InspectModelParams', {
  source: tRanged(tString, { ge: 1, le: 4096 }),
  conversations: tRanged(tList(tConversation), { le: 1024 }),
});

/** Result of `inspect_model`. */
export interface InspectModelResult {
  /** of its config */
  modelType: string;
  /** as load_model would say it; "" where none can be made */
  architecture: string;
  /** 0 where no model can be made */
  parameters: number;
  /** whether the output projection is the embedding */
  tied: boolean;
  /** rows of the embedding */
  vocabularySize: number;
  contextLength: number;
  weights: WeightFiles;
  /** absent where it cannot be loaded */
  tokenizer?: Tokenizer;
  /** one a conversation; none without a tokenizer */
  prompts: readonly RenderedPrompt[];
  packing: Packing;
  /** why it is padded, or only tried; "" where it packs */
  packingReason: string;
  obstacles: readonly Obstacle[];
  licence: Licence;
}
export const tInspectModelResult = tStruct<InspectModelResult>('InspectModelResult', {
  modelType: tString,
  architecture: tString,
  parameters: tRanged(tInt, { ge: 0 }),
  tied: tBool,
  vocabularySize: tRanged(tInt, { ge: 0 }),
  contextLength: tRanged(tInt, { ge: 0 }),
  weights: tWeightFiles,
  tokenizer: tOptional(tTokenizer),
  prompts: tList(tRenderedPrompt),
  packing: tPacking,
  packingReason: tString,
  obstacles: tList(tObstacle),
  licence: tLicence,
});

/** Parameters of `unload_model`. */
export interface UnloadModelParams {
  modelId: string;
}
export const tUnloadModelParams = tStruct<UnloadModelParams>('UnloadModelParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
});

/** Result of `unload_model`. */
export type UnloadModelResult = Record<string, never>;
export const tUnloadModelResult = tStruct<UnloadModelResult>('UnloadModelResult', {});

/** Parameters of `sample`. */
export interface SampleParams {
  modelId: string;
  conversations: readonly Conversation[];
  n: number;
  /** one a conversation; sample j of conversation i depends on (seeds[i], j) alone */
  seeds: Uint32Array;
  sampling: Sampling;
  /** when given, a worker whose published weights have another answers stale_weights */
  weightsVersion?: number;
}
export const tSampleParams = tStruct<SampleParams>('SampleParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  conversations: tRanged(tList(tConversation), { le: 2 ** 20 }),
  n: tRanged(tInt, { ge: 1, le: 2 ** 24 }),
  seeds: tU32s,
  sampling: tSampling,
  weightsVersion: tOptional(tRanged(tInt, { ge: 0 })),
});

/** Parameters of `forward`. */
export interface ForwardParams {
  modelId: string;
  tokens: Int32Array;
  lengths: Int32Array;
  /** aligned with tokens; 1 where a log-prob is wanted; absent: everywhere */
  mask?: Uint8Array;
  temperature: number;
}
export const tForwardParams = tStruct<ForwardParams>('ForwardParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  tokens: tRangedItems(tI32s, { ge: 0 }),
  lengths: tRangedItems(tI32s, { ge: 1 }),
  mask: tOptional(tRangedItems(tU8s, { ge: 0, le: 1 })),
  temperature: tRanged(tFloat, { gt: 0 }),
});

/** Result of `forward`. */
export interface ForwardResult {
  /** aligned with tokens; 0 for the first token of a sequence, and where none is wanted */
  logprobs: Float32Array;
}
export const tForwardResult = tStruct<ForwardResult>('ForwardResult', {
  logprobs: tF32s,
});

/** Parameters of `forward_backward`. */
export interface ForwardBackwardParams {
  modelId: string;
  seq: number;
  batch: TrainBatch;
  loss: LossSpec;
  normalizer: number;
}
export const tForwardBackwardParams = tStruct<ForwardBackwardParams>('ForwardBackwardParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  seq: tRanged(tInt, { ge: 0 }),
  batch: tTrainBatch,
  loss: tLossSpec,
  normalizer: tRanged(tFloat, { gt: 0 }),
});

/** Result of `forward_backward`. */
export interface ForwardBackwardResult {
  loss: number;
  /** mean over trained tokens */
  kl: number;
  /** mean over trained tokens, nats */
  entropy: number;
  clipFraction: number;
  ratioMean: number;
  /** mean weight of importance sampling, as truncated; 1 where it is off */
  importanceMean: number;
  /** share of trained tokens whose weight was truncated */
  importanceCapped: number;
  /** k3 estimate of KL(sampler || policy) over trained tokens; 0 without sampleLogprobs */
  samplerKl: number;
  /** trained tokens */
  tokens: number;
}
export const tForwardBackwardResult = tStruct<ForwardBackwardResult>('ForwardBackwardResult', {
  loss: tFloat,
  kl: tFloat,
  entropy: tFloat,
  clipFraction: tFloat,
  ratioMean: tFloat,
  importanceMean: tFloat,
  importanceCapped: tFloat,
  samplerKl: tFloat,
  tokens: tRanged(tInt, { ge: 0 }),
});

/** Parameters of `optim_step`. */
export interface OptimStepParams {
  modelId: string;
  seq: number;
  adam: Adam;
}
export const tOptimStepParams = tStruct<OptimStepParams>('OptimStepParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  seq: tRanged(tInt, { ge: 0 }),
  adam: tAdam,
});

/** Result of `optim_step`. */
export interface OptimStepResult {
  /** before clipping */
  gradNorm: number;
}
export const tOptimStepResult = tStruct<OptimStepResult>('OptimStepResult', {
  gradNorm: tRanged(tFloat, { ge: 0 }),
});

/** Parameters of `publish_weights`. */
export interface PublishWeightsParams {
  modelId: string;
  /** the version they get, above the present one; absent: one more. At it already: no change */
  weightsVersion?: number;
}
export const tPublishWeightsParams = tStruct<PublishWeightsParams>('PublishWeightsParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  weightsVersion: tOptional(tRanged(tInt, { ge: 0 })),
});

/** Result of `publish_weights`. */
export interface PublishWeightsResult {
  weightsVersion: number;
  proof: WeightsProof;
}
export const tPublishWeightsResult = tStruct<PublishWeightsResult>('PublishWeightsResult', {
  weightsVersion: tRanged(tInt, { ge: 0 }),
  proof: tWeightsProof,
});

/** Parameters of `average_weights`. */
export interface AverageWeightsParams {
  modelId: string;
  /** the other's modelId; of another shape: invalid_request. It stays as it is */
  towards: string;
  /** 1 makes them the other's */
  share: number;
}
export const tAverageWeightsParams = tStruct<AverageWeightsParams>('AverageWeightsParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  towards: tRanged(tString, { ge: 1, le: 256 }),
  share: tRanged(tFloat, { gt: 0, le: 1 }),
});

/** Result of `average_weights`. */
export interface AverageWeightsResult {
  /** of the published weights */
  weightsVersion: number;
}
export const tAverageWeightsResult = tStruct<AverageWeightsResult>('AverageWeightsResult', {
  weightsVersion: tRanged(tInt, { ge: 0 }),
});

/** Parameters of `save_checkpoint`. */
export interface SaveCheckpointParams {
  modelId: string;
  /** must not exist */
  path: string;
  withOptimizer: boolean;
  /** weights in the float type they are sampled in; not withOptimizer, which needs all of them. Absent: false */
  forSampling?: boolean;
}
export const tSaveCheckpointParams = tStruct<SaveCheckpointParams>('SaveCheckpointParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  path: tRanged(tString, { ge: 1, le: 4096 }),
  withOptimizer: tBool,
  forSampling: tOptional(tBool),
});

/** Result of `save_checkpoint`. */
export interface SaveCheckpointResult {
  bytes: number;
  /** of the manifest, and so of the whole */
  manifestSha256: string;
}
export const tSaveCheckpointResult = tStruct<SaveCheckpointResult>('SaveCheckpointResult', {
  bytes: tRanged(tInt, { ge: 0 }),
  manifestSha256: tString,
});

/** Parameters of `load_checkpoint`. */
export interface LoadCheckpointParams {
  modelId: string;
  path: string;
  /** as save_checkpoint said it; absent: whatever manifest is there */
  manifestSha256?: string;
  /** the version the published weights get; absent: one more */
  weightsVersion?: number;
}
export const tLoadCheckpointParams = tStruct<LoadCheckpointParams>('LoadCheckpointParams', {
  modelId: tRanged(tString, { ge: 1, le: 256 }),
  path: tRanged(tString, { ge: 1, le: 4096 }),
  manifestSha256: tOptional(tRanged(tString, { ge: 64, le: 64 })),
  weightsVersion: tOptional(tRanged(tInt, { ge: 0 })),
});

/** Result of `load_checkpoint`. */
export interface LoadCheckpointResult {
  weightsVersion: number;
  /** that the optimiser has taken; 0 for a fresh one */
  steps: number;
  proof: WeightsProof;
}
export const tLoadCheckpointResult = tStruct<LoadCheckpointResult>('LoadCheckpointResult', {
  weightsVersion: tRanged(tInt, { ge: 0 }),
  steps: tRanged(tInt, { ge: 0 }),
  proof: tWeightsProof,
});

/** Parameters of `sleep`. */
export interface SleepParams {
  /** sample: what only sampling needs; train: what only training and scoring need */
  role: Capability;
}
export const tSleepParams = tStruct<SleepParams>('SleepParams', {
  role: tCapability,
});

/** Result of `sleep`. */
export interface SleepResult {
  /** of the device's memory; 0 where the role sleeps already or has nothing there */
  freedBytes: number;
}
export const tSleepResult = tStruct<SleepResult>('SleepResult', {
  freedBytes: tRanged(tInt, { ge: 0 }),
});

/** Parameters of `wake`. */
export interface WakeParams {
  role: Capability;
}
export const tWakeParams = tStruct<WakeParams>('WakeParams', {
  role: tCapability,
});

/** Result of `wake`. */
export type WakeResult = Record<string, never>;
export const tWakeResult = tStruct<WakeResult>('WakeResult', {});

/** Parameters of `ping`. */
export type PingParams = Record<string, never>;
export const tPingParams = tStruct<PingParams>('PingParams', {});

/** Result of `ping`. */
export interface PingResult {
  /** the verb being executed, or "" */
  busy: string;
  /** grows while work is done */
  progress: number;
}
export const tPingResult = tStruct<PingResult>('PingResult', {
  busy: tRanged(tString, { le: 64 }),
  progress: tRanged(tInt, { ge: 0 }),
});

/** Parameters of `inspect_machine`. */
export type InspectMachineParams = Record<string, never>;
export const tInspectMachineParams = tStruct<InspectMachineParams>('InspectMachineParams', {});

/** Parameters of `cancel`. */
export interface CancelParams {
  id: number;
}
export const tCancelParams = tStruct<CancelParams>('CancelParams', {
  id: tRanged(tInt, { ge: 0 }),
});

/** Result of `cancel`. */
export interface CancelResult {
  found: boolean;
}
export const tCancelResult = tStruct<CancelResult>('CancelResult', {
  found: tBool,
});

/** Parameters of `shutdown`. */
export type ShutdownParams = Record<string, never>;
export const tShutdownParams = tStruct<ShutdownParams>('ShutdownParams', {});

/** Result of `shutdown`. */
export type ShutdownResult = Record<string, never>;
export const tShutdownResult = tStruct<ShutdownResult>('ShutdownResult', {});

export type SampleResult = SampleBatch;
export const tSampleResult = tSampleBatch;

export type InspectMachineResult = Machine;
export const tInspectMachineResult = tMachine;

/** Any frame between orchestrator and worker; `kind` says which. */
export type Envelope = Hello | Welcome | Refusal | Heartbeat | Request | Response | Failure | Progress;
/** The codec of each envelope, by its `kind`. */
export const ENVELOPES: { readonly [K in Envelope['kind']]: Codec<Extract<Envelope, { kind: K }>> } = {
  Hello: tHello,
  Welcome: tWelcome,
  Refusal: tRefusal,
  Heartbeat: tHeartbeat,
  Request: tRequest,
  Response: tResponse,
  Failure: tFailure,
  Progress: tProgress,
};

/** The types behind each verb. */
export interface VerbTypes {
  load_model: { params: LoadModelParams; result: LoadModelResult };
  inspect_model: { params: InspectModelParams; result: InspectModelResult };
  unload_model: { params: UnloadModelParams; result: UnloadModelResult };
  sample: { params: SampleParams; result: SampleResult };
  forward: { params: ForwardParams; result: ForwardResult };
  forward_backward: { params: ForwardBackwardParams; result: ForwardBackwardResult };
  optim_step: { params: OptimStepParams; result: OptimStepResult };
  publish_weights: { params: PublishWeightsParams; result: PublishWeightsResult };
  average_weights: { params: AverageWeightsParams; result: AverageWeightsResult };
  save_checkpoint: { params: SaveCheckpointParams; result: SaveCheckpointResult };
  load_checkpoint: { params: LoadCheckpointParams; result: LoadCheckpointResult };
  sleep: { params: SleepParams; result: SleepResult };
  wake: { params: WakeParams; result: WakeResult };
  ping: { params: PingParams; result: PingResult };
  inspect_machine: { params: InspectMachineParams; result: InspectMachineResult };
  cancel: { params: CancelParams; result: CancelResult };
  shutdown: { params: ShutdownParams; result: ShutdownResult };
}
/** A name that `Request.verb` may have. */
export type Verb = keyof VerbTypes;

/** What a worker can be asked, one method a verb. */
export interface WorkerVerbs {
  /** Load weights and tokenizer under a name; an existing model of that name is replaced, its optimiser forgotten. */
  loadModel(params: LoadModelParams, options?: CallOptions): Promise<LoadModelResult>;
  /** Say what a model is and what would be made of conversations, from its small files; no weight is read. */
  inspectModel(params: InspectModelParams, options?: CallOptions): Promise<InspectModelResult>;
  /** Forget a model and free its memory; a repeat finds none and says unknown_model. */
  unloadModel(params: UnloadModelParams, options?: CallOptions): Promise<UnloadModelResult>;
  /** Draw n completions for each conversation, from the weights last published. */
  sample(params: SampleParams, options?: CallOptions): Promise<SampleResult>;
  /** Log-probs of given tokens under the weights being trained. */
  forward(params: ForwardParams, options?: CallOptions): Promise<ForwardResult>;
  /**
   * Add the gradient of sum(token losses * mask) / normalizer to the model's gradient, or of the sum of the sequences'
   * means. The caller gives the normalizer, so splitting a batch leaves the sum of gradients unchanged.
   */
  forwardBackward(params: ForwardBackwardParams, options?: CallOptions): Promise<ForwardBackwardResult>;
  /** One AdamW step on the accumulated gradient, which is then zero. */
  optimStep(params: OptimStepParams, options?: CallOptions): Promise<OptimStepResult>;
  /** Make the trained weights those that `sample` uses, and prove it; weights that did not arrive are stale_weights. */
  publishWeights(params: PublishWeightsParams, options?: CallOptions): Promise<PublishWeightsResult>;
  /**
   * Move a model's weights towards the trained weights of another of the same shape: w <- w + share * (v - w). Of a
   * trainable model these are the trained weights, and nothing is published; a frozen one has but one kind of weights,
   * whose version grows by one.
   */
  averageWeights(params: AverageWeightsParams, options?: CallOptions): Promise<AverageWeightsResult>;
  /**
   * Write a Hugging Face folder (config, safetensors, tokenizer), complete or not at all, with a manifest of its files
   * and their SHA-256.
   */
  saveCheckpoint(params: SaveCheckpointParams, options?: CallOptions): Promise<SaveCheckpointResult>;
  /**
   * Put weights (and the optimiser and the record of seq, if saved) of a folder made by save_checkpoint back into a
   * loaded model. A folder that is not as its manifest says is an io_error, and nothing of it is used.
   */
  loadCheckpoint(params: LoadCheckpointParams, options?: CallOptions): Promise<LoadCheckpointResult>;
  /**
   * Let go of the device's memory that a role takes, as far as the host can hold what is in it: caches of keys and
   * values, weights, gradients, moments. Models stay; a verb that needs the role wakes it first.
   */
  sleep(params: SleepParams, options?: CallOptions): Promise<SleepResult>;
  /** Take the memory back that `sleep` has let go of, so that the next verb need not. */
  wake(params: WakeParams, options?: CallOptions): Promise<WakeResult>;
  /** Answered within a second, also while a long call runs. */
  ping(params: PingParams, options?: CallOptions): Promise<PingResult>;
  /** Say what the machine has, also while a long call runs; what cannot be found out is "", 0 or false. */
  inspectMachine(params: InspectMachineParams, options?: CallOptions): Promise<InspectMachineResult>;
  /** End a running or waiting request; its own answer is then the failure `cancelled`. */
  cancel(params: CancelParams, options?: CallOptions): Promise<CancelResult>;
  /** Stop after answering; running work is cancelled. */
  shutdown(params: ShutdownParams, options?: CallOptions): Promise<ShutdownResult>;
}

/**
 * How a verb travels. `control`: answered during a long call. `progress`: tells how far it is. `repeatable`:
 * asking twice is as asking once. `errors`: beside those of any verb.
 */
export interface VerbSpec<P, R> {
  readonly method: keyof WorkerVerbs;
  readonly params: Codec<P>;
  readonly result: Codec<R>;
  readonly control: boolean;
  readonly progress: boolean;
  readonly repeatable: boolean;
  readonly errors: readonly ErrorCode[];
}
/** Every verb, in the order of the source. */
export const VERBS: { readonly [V in Verb]: VerbSpec<VerbTypes[V]['params'], VerbTypes[V]['result']> } = {
  load_model: {
    method: 'loadModel',
    params: tLoadModelParams,
    result: tLoadModelResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['model_unloadable', 'hub_unavailable', 'hub_forbidden', 'out_of_memory'],
  },
  inspect_model: {
    method: 'inspectModel',
    params: tInspectModelParams,
    result: tInspectModelResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['model_unloadable', 'hub_unavailable', 'hub_forbidden'],
  },
  unload_model: {
    method: 'unloadModel',
    params: tUnloadModelParams,
    result: tUnloadModelResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['unknown_model'],
  },
  sample: {
    method: 'sample',
    params: tSampleParams,
    result: tSampleResult,
    control: false,
    progress: true,
    repeatable: true,
    errors: ['unknown_model', 'stale_weights', 'out_of_memory', 'cancelled'],
  },
  forward: {
    method: 'forward',
    params: tForwardParams,
    result: tForwardResult,
    control: false,
    progress: true,
    repeatable: true,
    errors: ['unknown_model', 'model_unloadable', 'out_of_memory', 'cancelled'],
  },
  forward_backward: {
    method: 'forwardBackward',
    params: tForwardBackwardParams,
    result: tForwardBackwardResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['unknown_model', 'not_trainable', 'sequence_conflict', 'out_of_memory', 'not_finite'],
  },
  optim_step: {
    method: 'optimStep',
    params: tOptimStepParams,
    result: tOptimStepResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['unknown_model', 'not_trainable', 'sequence_conflict', 'not_finite'],
  },
  publish_weights: {
    method: 'publishWeights',
    params: tPublishWeightsParams,
    result: tPublishWeightsResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['unknown_model', 'stale_weights'],
  },
  average_weights: {
    method: 'averageWeights',
    params: tAverageWeightsParams,
    result: tAverageWeightsResult,
    control: false,
    progress: false,
    repeatable: false,
    errors: ['unknown_model', 'out_of_memory'],
  },
  save_checkpoint: {
    method: 'saveCheckpoint',
    params: tSaveCheckpointParams,
    result: tSaveCheckpointResult,
    control: false,
    progress: false,
    repeatable: false,
    errors: ['unknown_model', 'io_error'],
  },
  load_checkpoint: {
    method: 'loadCheckpoint',
    params: tLoadCheckpointParams,
    result: tLoadCheckpointResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['unknown_model', 'io_error'],
  },
  sleep: {
    method: 'sleep',
    params: tSleepParams,
    result: tSleepResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['out_of_memory'],
  },
  wake: {
    method: 'wake',
    params: tWakeParams,
    result: tWakeResult,
    control: false,
    progress: false,
    repeatable: true,
    errors: ['out_of_memory'],
  },
  ping: {
    method: 'ping',
    params: tPingParams,
    result: tPingResult,
    control: true,
    progress: false,
    repeatable: true,
    errors: [],
  },
  inspect_machine: {
    method: 'inspectMachine',
    params: tInspectMachineParams,
    result: tInspectMachineResult,
    control: true,
    progress: false,
    repeatable: true,
    errors: [],
  },
  cancel: {
    method: 'cancel',
    params: tCancelParams,
    result: tCancelResult,
    control: true,
    progress: false,
    repeatable: false,
    errors: [],
  },
  shutdown: {
    method: 'shutdown',
    params: tShutdownParams,
    result: tShutdownResult,
    control: true,
    progress: false,
    repeatable: false,
    errors: [],
  },
};

/** sha256 over the names, types, ranges and limits above; a peer with another hash is refused. */
export const PROTOCOL_HASH = 'aabe1fa5dddd6468aff2ca2a476d01922681cffa64dba181c90faac4c5c4450a';
