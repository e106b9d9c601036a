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
