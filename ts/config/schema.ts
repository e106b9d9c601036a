import { z } from 'zod';
import { ADVANTAGES } from '../domain/advantage.ts';
import { ORDERS, SHORTFALLS } from '../domain/curriculum.ts';
import { AGGREGATIONS, ARMS, KEPT_MODELS, KL_ESTIMATORS, LOSSES, type Settings } from '../domain/settings.ts';
import { LOG_LEVELS } from '../log/levels.ts';
import { challengerRule, curriculumRule, solverRule } from './rules.ts';
import { warningRules } from './warnings.ts';

/** Where figures of a run can go. */
export const TRACKERS = ['tensorboard', 'wandb', 'mlflow', 'trackio'] as const;

export type Tracker = (typeof TRACKERS)[number];

const count = z.int().min(1).max(1_000_000);
const share = z.number().min(0).max(1);

const sampling = z.strictObject({
  temperature: z.number().min(0).max(10).describe('0 is greedy; else logits are divided by it'),
  topP: z.number().gt(0).max(1).describe('nucleus; 1 is off'),
  topK: z.int().min(0).describe('0 is off'),
  maxTokens: count.describe('most new tokens of one sample'),
});

const drawn = sampling.extend({ temperature: z.number().gt(0).max(10).describe('logits are divided by it') });

const phase = z.strictObject({
  steps: count.describe('optimisation steps'),
  prompts: count.describe('conversations per step'),
  rollouts: count.min(2).describe('samples per conversation: the group of the advantages'),
  miniBatch: count.describe('sequences per optimiser update; must divide prompts * rollouts'),
  sampling: drawn,
  optimizer: z.strictObject({
    learningRate: z.number().min(0).max(1).describe('constant over a phase'),
    beta1: z.number().min(0).lt(1).describe("decay of AdamW's first moment"),
    beta2: z.number().min(0).lt(1).describe('of its second'),
    epsilon: z.number().gt(0).describe('added to the root of the second moment'),
    weightDecay: z.number().min(0).describe('decoupled, times the learning rate'),
    decayVectors: z.boolean().describe('whether weights of one dimension decay too: norms, biases'),
    maxGradNorm: z.number().min(0).describe('global norm; 0 is off'),
  }),
  loss: z.enum(LOSSES).describe('how a ratio of policies and an advantage become a loss'),
  aggregation: z.enum(AGGREGATIONS).describe('what the loss is a mean of: tokens, sequences, or rows of maxTokens'),
  clipLow: share.describe('a ratio below 1 - clipLow is clipped'),
  clipHigh: z.number().min(0).describe('a ratio above 1 + clipHigh is clipped'),
  dualClip: z.number().min(0).describe('0 is off; of grpo and gspo only'),
  klCoef: z.number().min(0).describe('weight of KL to the anchor'),
  klEstimator: z.enum(KL_ESTIMATORS).describe('of the KL term'),
  importanceCap: z.number().min(0).describe('the most that policy / sampler may weigh; 0 is off'),
  credit: z.strictObject({
    advantage: z.enum(ADVANTAGES).describe('how the rewards of a group become advantages'),
    zeroVariance: z.enum(['keep', 'drop']).describe('groups whose rewards are all equal'),
    overlong: z.enum(['keep', 'mask', 'penalise']).describe('samples that were cut off at maxTokens'),
    overlongPenalty: z.number().min(0).describe('off the reward, where overlong is penalise'),
  }),
  overAsk: share.describe('share of conversations asked beyond prompts; those answered first count. 0 is off'),
});

const dividing = <T extends z.ZodType<{ prompts: number; rollouts: number; miniBatch: number }>>(schema: T) =>
  schema.refine((value) => (value.prompts * value.rollouts) % value.miniBatch === 0, {
    path: ['miniBatch'],
    message: 'must divide prompts * rollouts',
  });

const roles = z
  .strictObject({
    models: z.enum(['two', 'one']).describe('whether each role has its own weights'),
    challengerFrom: z.enum(['previous', 'solver', 'base']).describe('the weights that a Challenger phase begins with'),
    anchor: z.enum(['phase', 'base', 'ema']).describe('what the KL term holds a policy to'),
    anchorDecay: z.number().min(0).lt(1).describe('what an update leaves of the moving average; of anchor ema only'),
    judge: z.enum(['frozen', 'current', 'ensemble']).describe('whose answers the agreement is taken of'),
    ensemble: count.max(16).describe('Solvers of an ensemble, the latest included'),
  })
  .refine(({ models, challengerFrom }) => models === 'two' || challengerFrom === 'previous', {
    path: ['challengerFrom'],
    message: 'must be previous where roles.models is one: there is one model to go on from',
  })
  .refine(({ models, judge }) => models === 'one' || judge !== 'current', {
    path: ['judge'],
    message: 'must not be current where roles.models is two: that Solver stands still while the Challenger learns',
  })
  .refine(({ models, judge }) => models === 'two' || judge !== 'ensemble', {
    path: ['judge'],
    message: 'must not be ensemble where roles.models is one',
  });

/** A port that needs no privilege. */
const port = z.int().min(1024).max(65_535);
const lines = z.array(z.string().regex(/^[^\r\n]*$/, 'must have no line breaks'));
const oneLine = z.string().regex(/^[^\r\n]*$/, 'must have no line breaks');

/** What a site has that no plan knows: for `rzero launch`. */
const launch = z.strictObject({
  program: z
    .array(z.string())
    .describe('how the machines start rzero; []: as it was installed here, or `rzero` in an image'),
  port: port.describe('where the orchestrator listens'),
  rendezvousPort: port.describe('where the hosts of one trainer meet'),
  slurm: z.strictObject({
    partition: oneLine.describe("'' for the site's default, as in the next three"),
    account: oneLine.describe('who pays'),
    qos: oneLine.describe('quality of service'),
    time: oneLine.describe('of one attempt, as Slurm has it: 1-00:00:00'),
    constraint: oneLine.describe('features that nodes must have'),
    gpus: z.enum(['gpus-per-node', 'gres', 'none']).describe('how the site asks for GPUs'),
    memory: oneLine.describe("of a node; 0: all of it, '': the site's default"),
    container: z.enum(['none', 'pyxis', 'apptainer']).describe('what everything runs in'),
    image: oneLine.describe('for pyxis or apptainer'),
    mounts: lines.describe('folders that the container sees, FROM:TO; those of the run are among them already'),
    directives: lines.describe('further #SBATCH options, such as --reservation=x'),
    prologue: lines.describe('shell lines that come first, such as module load cuda'),
    requeues: z.int().min(0).max(10_000).describe('how often a job that was told to stop is queued again'),
  }),
  kubernetes: z.strictObject({
    namespace: oneLine.describe('of all that is made'),
    image: oneLine.describe('of all pods; docker/ has it'),
    imagePullSecret: oneLine.describe("'' for none"),
    serviceAccount: oneLine.describe("of all pods; '' for the namespace's default"),
    claim: oneLine.describe(
      'PersistentVolumeClaim that all pods can write (ReadWriteMany), for the run and the hub cache',
    ),
    mountPath: z
      .string()
      .regex(/^\/[^\r\n]*$/, 'must be an absolute path')
      .describe('where pods have it'),
    sharedMemory: oneLine.describe('size of /dev/shm'),
    user: z.int().min(1).describe('user and group that the pods run as'),
    queue: oneLine.describe("Kueue's local queue; '' for none"),
    hubTokenSecret: oneLine.describe("a Secret whose key `token` is a Hugging Face token; '' for none"),
    nodeSelector: z.record(z.string(), z.string()).describe('of worker pods'),
    tolerations: z.array(z.record(z.string(), z.unknown())).describe('of worker pods'),
    leaderResources: z.record(z.string(), z.union([z.string(), z.number()])).describe('requests of the orchestrator'),
    workerResources: z
      .record(z.string(), z.union([z.string(), z.number()]))
      .describe('requests of a worker pod, beside its GPUs'),
    restarts: z.int().min(0).max(10_000).describe('how often the whole job is started again'),
  }),
  skypilot: z.strictObject({
    infra: oneLine.describe("aws, gcp/us-central1, k8s, ...; '': wherever it is cheapest"),
    image: oneLine.describe("a container image, or the cloud's own; '': SkyPilot's"),
    spot: z.boolean().describe('machines that may be taken away, and cost less'),
    volume: oneLine.describe('a SkyPilot volume that all nodes can write, for the run and the hub cache'),
    bucket: oneLine.describe('s3://NAME, gs://NAME, ...: the run is copied there every minute; of one node'),
    mountPath: z
      .string()
      .regex(/^\/[^\r\n]*$/, 'must be an absolute path')
      .describe('where nodes have it'),
    setup: lines.describe('shell lines that make rzero ready on a node'),
    restarts: z.int().min(0).max(10_000).describe('how often a job that failed is started again'),
  }),
});

/**
 * The whole configuration of a run, as it is after presets, file and flags. Every field is required
 * here: defaults are the presets' business (presets.ts), so that none hides in code.
 */
export const configSchema = z
  .strictObject({
    preset: z.string().describe('the preset that this configuration started from'),
    seed: z
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .describe('everything random comes from it'),
    iterations: count.describe('rounds of Challenger, questions and Solver'),
    arm: z.enum(ARMS).describe('the whole method, or one thing taken from it'),
    model: z.string().min(1).describe('base model: a Hugging Face folder or hub name, or "embedded"'),
    worker: z
      .strictObject({
        backend: z.enum(['torch', 'vllm', 'mock']).describe('what samples; torch trains, but where all is mock'),
        threads: z.int().min(1).max(1024).describe('compute threads of each worker started here'),
        count: z
          .int()
          .min(0)
          .max(1024)
          .nullable()
          .describe('workers to start on this machine; null for those of the placement, 1 where there is no GPU'),
        trainerProcesses: z
          .int()
          .min(1)
          .max(1024)
          .describe('processes, a GPU each, that are the one of them that trains; above 1, the others sample'),
        listen: z.string().describe('where further workers dial in, tcp://HOST:PORT or ipc:///PATH; "" for nowhere'),
        keys: z.string().describe('folder of `rzero keys`, needed where `listen` leaves this machine; "" for none'),
        expect: z.int().min(0).max(1024).describe('workers that must have dialled in before the run begins'),
        requestSamples: count
          .nullable()
          .describe('most samples of one request; null: few for vllm, which works on many requests at once, else more'),
        turns: z.boolean().describe('whether workers, and roles of one, that share a GPU take turns in its memory'),
        handoverSeconds: count.describe(
          'how long a worker that is free may take to write, publish or load weights for others, to sleep or to wake',
        ),
        silenceSeconds: count
          .max(86_400)
          .describe('how long a worker may say nothing before its connection counts as lost'),
        returnSeconds: count
          .max(86_400)
          .describe('how long a worker that lost its connection has to come back before it is given up'),
        deadlines: z
          .strictObject({
            load: count.describe('load a model or a checkpoint'),
            sample: count.describe('sample'),
            train: count.describe('compute log-probs or gradients, or step'),
            save: count.describe('save a checkpoint, publish weights, sleep, wake'),
          })
          .describe('seconds that a worker may make no progress while it does so, before it is given up'),
        restarts: z
          .int()
          .min(0)
          .max(1000)
          .describe(
            'times in a row that a worker started here is started again; what gets done in between begins the count anew',
          ),
        graceSeconds: count.describe('how long a step that is nearly done may go on when the run is told to stop'),
      })
      .refine(({ count, listen, expect }) => count !== 0 || (listen !== '' && expect > 0), {
        path: ['count'],
        message: 'must be above 0 where no worker is to dial in (worker.listen, worker.expect): somebody has to work',
      })
      .refine(({ trainerProcesses, backend }) => trainerProcesses === 1 || backend !== 'mock', {
        path: ['trainerProcesses'],
        message: 'must be 1 where worker.backend is mock',
      })
      .refine(({ trainerProcesses, count }) => trainerProcesses === 1 || count !== 0, {
        path: ['trainerProcesses'],
        message: 'must be 1 where worker.count is 0: a trainer that dials in is started with torchrun by hand',
      })
      .refine(({ trainerProcesses, count, expect }) => trainerProcesses === 1 || (count ?? 1) !== 1 || expect > 0, {
        path: ['trainerProcesses'],
        message: 'must be 1 where worker.count is 1: several processes train and do not sample; set worker.count to 2',
      })
      .refine(({ listen, expect }) => listen !== '' || expect === 0, {
        path: ['expect'],
        message: 'must be 0 where worker.listen is ""',
      }),
    storage: z.strictObject({
      checkpointEvery: count.describe('steps between the checkpoints that a phase can go on from'),
      keepCheckpoints: count
        .max(1000)
        .describe('checkpoints kept of a phase that is under way; those of one that is over go'),
      keepModels: z
        .enum(KEPT_MODELS)
        .describe('which iterations leave their Challenger and Solver: each, the best and the last, or the last'),
      keepAnswers: z
        .boolean()
        .describe('whether recorded samples stay when their phase is over; its records always do'),
    }),
    logging: z.strictObject({
      level: z.enum(LOG_LEVELS).describe('what logs/ of the run has: this and what is graver'),
    }),
    tracking: z.strictObject({
      to: z
        .array(z.enum(TRACKERS))
        .refine((names) => new Set(names).size === names.length, { message: 'must name each tracker once' })
        .describe(
          'who is shown the figures while the run goes on; wandb, mlflow and trackio by a process of their own',
        ),
      project: z.string().min(1).describe('project of wandb and trackio, experiment of mlflow'),
      name: z.string().describe('what they call the run; "" for the name of its folder'),
      entity: z.string().describe('user or team of wandb; "" for its default'),
      waitSeconds: z.int().min(0).max(86_400).describe('how long the run waits at its end for those that still send'),
    }),
    placement: z
      .strictObject({
        hosts: z.int().min(1).max(128).describe('machines with as many GPUs each'),
        gpusPerHost: z.int().min(0).max(16).describe('0: those of this machine'),
        gpu: z.string().describe('h100, a100-80, ...; "": what this machine has'),
        layout: z.enum(['auto', 'colocated', 'apart']).describe('whether the GPUs that train also sample'),
        trainerGpus: z.int().min(0).max(2048).describe('GPUs that train together; 0: as decided'),
        tensorParallel: z.int().min(0).max(16).describe('GPUs that are one sampler; 0: as few as it takes'),
      })
      .refine(({ hosts, gpusPerHost }) => hosts === 1 || gpusPerHost > 0, {
        path: ['gpusPerHost'],
        message: 'must be above 0 where placement.hosts is above 1',
      }),
    launch,
    rewards: z.strictObject({ challenger: challengerRule, solver: solverRule }),
    roles,
    trainer: z.strictObject({
      packTokens: z
        .int()
        .min(0)
        .max(2 ** 31 - 1)
        .describe('most tokens computed at once; 0: as the device allows'),
      recompute: z.boolean().describe('activations in the backward pass: less memory, more time'),
      offload: z.boolean().describe("weights, gradient and optimiser wait in the host's memory"),
      loraRank: z.int().min(0).max(4096).describe('train low-rank adapters of this rank alone; 0 trains every weight'),
      loraAlpha: z.number().gt(0).describe('an adapter weighs loraAlpha / loraRank'),
    }),
    challenger: dividing(phase),
    questions: curriculumRule.extend({
      candidates: count.describe("the paper's N"),
      sampling: drawn,
      votes: count.min(2).nullable().describe('answers per candidate; null for answering.votes'),
      answersPerRound: z.int().min(0).describe('stop asking once the verdict is settled; 0 draws all answers at once'),
      order: z.enum(ORDERS).describe('in which the kept ones are trained on'),
      shortfall: z.enum(SHORTFALLS).describe('what to do when fewer are kept than solver.prompts'),
      resamples: count.max(100).describe('how many times resample asks again'),
      overAsk: share.describe('share asked for beyond candidates; those answered first count. 0 is off'),
    }),
    answering: z.strictObject({
      votes: count.min(2).describe("answers per question, the paper's m"),
      sampling: drawn,
    }),
    solver: dividing(phase),
    evaluation: z.strictObject({
      problems: count.max(10_000).describe('held-out problems'),
      samples: count.describe('samples per problem'),
      sampling: drawn,
    }),
    warnings: warningRules,
  })
  .refine(({ roles, trainer }) => roles.anchor !== 'ema' || trainer.loraRank === 0, {
    path: ['roles', 'anchor'],
    message: 'must not be ema where trainer.loraRank is above 0: the mean of two adapters is no adapter',
  })
  .refine(({ worker, trainer }) => worker.trainerProcesses === 1 || trainer.loraRank === 0, {
    path: ['trainer', 'loraRank'],
    message: 'must be 0 where worker.trainerProcesses is above 1: adapters are trained by one process',
  })
  .refine(({ roles, questions }) => roles.judge !== 'ensemble' || questions.answersPerRound === 0, {
    path: ['questions', 'answersPerRound'],
    message: 'must be 0 where roles.judge is ensemble: its Solvers answer all at once',
  });

/** A resolved configuration: what the loop computes ({@link Settings}) and how the worker is run. */
export type Config = z.infer<typeof configSchema>;

// The loop's settings and the schema must not drift apart.
((config: Config): Settings => config) satisfies unknown;
