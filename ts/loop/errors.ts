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
