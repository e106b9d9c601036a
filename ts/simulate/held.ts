import type { Capability, Conversation, InspectModelResult, Verb, VerbTypes } from '../protocol/generated.ts';
import { packResult, unpackParams } from '../worker/codec.ts';
import { WorkerCallError } from '../worker/errors.ts';
import type { Activity } from './activity.ts';
import { logprobsOf, sum } from './filler.ts';
import type { WorkerPace } from './pace.ts';
import type { Site } from './site.ts';

/** A verb as it will be answered. */
interface Work {
  activity: Exclude<Activity, 'sample'>;
  seconds: number;
  answer(): Uint8Array;
}

/** What is said in place of what a real worker computes. */
const MANIFEST = '0'.repeat(64);
const PROOF = { checksum: '', probe: logprobsOf(1) };

/** Verbs that need a role awake. */
const ROLES: Readonly<Partial<Record<Verb, readonly Capability[]>>> = {
  sample: ['sample'],
  publish_weights: ['sample', 'train'],
  forward: ['train'],
  forward_backward: ['train'],
  optim_step: ['train'],
  average_weights: ['train'],
};

/** What a simulated worker holds: models, and what of them is awake; and so how long each verb but `sample` takes. */
export class Held {
  private readonly site: Site;
  private readonly pace: WorkerPace;
  private readonly trains: boolean;
  private readonly mixes: boolean;
  private readonly models = new Map<string, { version: number }>();
  private readonly asleep = new Set<Capability>();
  /** The model that was drawn from last, and is awake; none where the role has slept since, and any may wake. */
  private drawn: string | undefined;

  /** @param who whether it trains, and draws from several models at once */
  constructor(site: Site, pace: WorkerPace, who: { trains: boolean; mixes: boolean }) {
    this.site = site;
    this.pace = pace;
    this.trains = who.trains;
    this.mixes = who.mixes;
  }

  /**
   * Wake the roles that a verb needs, and for samples their model.
   * @returns seconds that it takes
   */
  wakeFor(verb: Verb, model: string | undefined): number {
    const roles = (ROLES[verb] ?? []).filter((role) => this.asleep.delete(role));
    return roles.reduce((seconds, role) => seconds + this.wakeSeconds(role), 0) + this.switchSeconds(model);
  }

  /** What a verb does, how long that takes, and what is answered then. */
  work(verb: Verb, bytes: Uint8Array): Work {
    const { pace, site } = this;
    switch (verb) {
      case 'load_model': {
        const { modelId, trainable } = unpackParams(verb, bytes);
        if (trainable) site.trained.add(modelId);
        return work('load', pace.load(), verb, () => {
          this.models.set(modelId, { version: 0 });
          return {
            architecture: 'simulated',
            parameters: 1,
            vocabularySize: 2 ** 17,
            contextLength: 2 ** 17,
            weightsVersion: 0,
          };
        });
      }
      case 'inspect_model': {
        const { conversations } = unpackParams(verb, bytes);
        return work('load', 0, verb, () => reportOf(conversations, site));
      }
      case 'unload_model': {
        const { modelId } = unpackParams(verb, bytes);
        this.model(modelId);
        this.models.delete(modelId);
        if (this.trains) site.trained.delete(modelId);
        return work('load', 0, verb, () => ({}));
      }
      case 'forward': {
        const { modelId, lengths, tokens } = unpackParams(verb, bytes);
        this.model(modelId);
        const count = tokens.length;
        return work('score', pace.score(lengths), verb, () => ({ logprobs: logprobsOf(count) }));
      }
      case 'forward_backward': {
        const { modelId, batch } = unpackParams(verb, bytes);
        this.model(modelId);
        return work('train', pace.train(batch.lengths), verb, () => ({
          loss: 0,
          kl: 0,
          entropy: 1,
          clipFraction: 0,
          ratioMean: 1,
          importanceMean: 1,
          importanceCapped: 0,
          samplerKl: 0,
          tokens: sum(batch.mask),
        }));
      }
      case 'optim_step':
        this.model(unpackParams(verb, bytes).modelId);
        return work('train', pace.step(), verb, () => ({ gradNorm: 1 }));
      case 'publish_weights': {
        const { modelId, weightsVersion } = unpackParams(verb, bytes);
        const model = this.model(modelId);
        return work('handover', 0, verb, () => {
          model.version = weightsVersion ?? model.version + 1;
          return { weightsVersion: model.version, proof: PROOF };
        });
      }
      case 'save_checkpoint':
        this.model(unpackParams(verb, bytes).modelId);
        return work('handover', pace.write(), verb, () => ({ manifestSha256: MANIFEST, bytes: 0 }));
      case 'load_checkpoint': {
        const { modelId, weightsVersion } = unpackParams(verb, bytes);
        const model = this.model(modelId);
        return work('handover', pace.take(), verb, () => {
          model.version = weightsVersion ?? model.version + 1;
          return { weightsVersion: model.version, steps: 0, proof: PROOF };
        });
      }
      case 'sleep': {
        const { role } = unpackParams(verb, bytes);
        // One that holds no model has nothing to move.
        const seconds = this.asleep.has(role) || this.models.size === 0 ? 0 : pace.sleep(role);
        this.asleep.add(role);
        if (role === 'sample') this.drawn = undefined;
        return work('sleep', seconds, verb, () => ({ freedBytes: 0 }));
      }
      case 'wake': {
        const { role } = unpackParams(verb, bytes);
        const seconds = this.asleep.delete(role) ? this.wakeSeconds(role) : 0;
        return work('sleep', seconds, verb, () => ({}));
      }
      default:
        throw new WorkerCallError('invalid_request', `${verb}: a simulated worker does not do it`);
    }
  }

  /** @throws WorkerCallError `unknown_model` */
  model(modelId: string): { version: number } {
    const model = this.models.get(modelId);
    if (model === undefined) throw new WorkerCallError('unknown_model', `modelId: ${modelId} is not loaded`);
    return model;
  }

  private wakeSeconds(role: Capability): number {
    return this.models.size === 0 ? 0 : this.pace.wake(role);
  }

  private switchSeconds(model: string | undefined): number {
    if (this.mixes || model === undefined) return 0;
    const switches = this.drawn !== undefined && this.drawn !== model;
    this.drawn = model;
    return switches ? this.pace.switch() : 0;
  }
}

/** What a simulated worker says of any model: that it will do. */
function reportOf(conversations: readonly Conversation[], site: Site): InspectModelResult {
  const end = { id: 0, text: '<end>' };
  return {
    modelType: 'simulated',
    architecture: 'simulated',
    parameters: 1,
    tied: false,
    vocabularySize: 2 ** 17,
    contextLength: 2 ** 17,
    weights: { formats: [], bytes: 0, types: [] },
    tokenizer: { name: 'none', size: 2 ** 17, template: { cue: '\n', endOfTurn: end }, eos: [end], changed: [] },
    prompts: conversations.map((conversation) => ({
      text: `${conversation.messages.map(({ content }) => content).join('\n')}\n`,
      tokens: site.promptLength(conversation),
      merged: false,
    })),
    packing: 'packs',
    packingReason: '',
    obstacles: [],
    licence: { id: '', name: '', link: '', file: '', baseModels: [] },
  };
}

function work<V extends Verb>(
  activity: Work['activity'],
  seconds: number,
  verb: V,
  result: () => VerbTypes[V]['result'],
): Work {
  return { activity, seconds, answer: () => packResult(verb, result()) };
}
