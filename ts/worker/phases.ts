import type { Verb } from '../protocol/generated.ts';

/** A kind of work, which has a deadline of its own: the keys of `worker.deadlines`. */
export type Phase = 'load' | 'sample' | 'train' | 'save';

/** Milliseconds that a worker may make no progress in work of a kind. */
export type Deadlines = Readonly<Record<Phase, number>>;

/** Deadlines as the configuration has them, in seconds. */
export function inMilliseconds({ load, sample, train, save }: Deadlines): Deadlines {
  return { load: 1000 * load, sample: 1000 * sample, train: 1000 * train, save: 1000 * save };
}

type ControlVerb = 'ping' | 'inspect_machine' | 'cancel' | 'shutdown';

const PHASE_OF: Readonly<Record<Exclude<Verb, ControlVerb>, Phase>> = {
  load_model: 'load',
  inspect_model: 'load',
  unload_model: 'load',
  load_checkpoint: 'load',
  sample: 'sample',
  forward: 'train',
  forward_backward: 'train',
  optim_step: 'train',
  average_weights: 'train',
  save_checkpoint: 'save',
  publish_weights: 'save',
  sleep: 'save',
  wake: 'save',
};

/** Which kind of work a verb is; undefined for one that is answered at once, and for what is no verb. */
export function phaseOf(verb: string): Phase | undefined {
  return Object.hasOwn(PHASE_OF, verb) ? PHASE_OF[verb as keyof typeof PHASE_OF] : undefined;
}
