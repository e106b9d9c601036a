import type { Finding } from '../domain/warnings/judge.ts';

/** No update of a training step could be made: its losses or gradients were NaN or infinite. */
export class TrainingDiverged extends Error {
  override readonly name = 'TrainingDiverged';
  readonly code = 'training_diverged';

  /**
   * @param where the phase and step
   * @param updates how many were tried
   * @param option what to lower
   * @param last what the worker said of the last update
   */
  constructor(where: string, updates: number, option: { name: string; value: number }, last: string) {
    super(
      `${where}: ${updates === 1 ? 'its update' : `all ${updates} updates`} had to be skipped, so nothing is learnt ` +
        `any more; the last one: ${last}. Run it again with ${option.name} below ${option.value}`,
    );
  }
}

/** The gates left fewer questions than a batch of the Solver holds, and the configuration says to stop then. */
export class TooFewQuestions extends Error {
  override readonly name = 'TooFewQuestions';
  readonly code = 'too_few_questions';

  constructor(iteration: number, kept: number, candidates: number, needed: number) {
    super(
      `iteration ${iteration} kept ${kept} of ${candidates} questions and a batch of the Solver holds ${needed}; ` +
        'questions.shortfall is stop (allowed besides: repeat, shrink, resample)',
    );
  }
}

/** An early warning whose action is `stop` was given. What is done is on record, and the run can go on from here. */
export class StoppedByWarning extends Error {
  override readonly name = 'StoppedByWarning';
  readonly code = 'stopped_by_warning';

  /** @param where the iteration and phase */
  constructor(where: string, { name, message }: Finding) {
    super(
      `${where}: ${name}: ${message}. The run stops here since warnings.${name}.action is stop; it can go on: ` +
        `rzero resume RUN --set warnings.${name}.action=none`,
    );
  }
}

/** The run was told to stop, and has: it can go on from here. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  readonly code = 'stopped';

  constructor() {
    super('the run was told to stop');
  }
}

/** A replay comes to another update than the one on record: what computes it is not what it was. */
export class ReplayDiverged extends Error {
  override readonly name = 'ReplayDiverged';
  readonly code = 'replay_diverged';

  /** @param where the phase, step and update */
  constructor(where: string) {
    super(
      `${where} would be made of another batch than the journal says: the program, its libraries or a file of the run ` +
        'changed. Nothing was trained. Go on with the program that began the run, or fork the run at this iteration',
    );
  }
}

/** What a phase left is damaged, and a later one needs it: it was put down as undone. */
export class PhaseUndone extends Error {
  override readonly name = 'PhaseUndone';
  readonly code = 'phase_undone';
}
