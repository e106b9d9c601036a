/** What keeps the judge as a whole from judging. One sentence that says what to mend; never with the key in it. */
export class JudgeError extends Error {
  override readonly name = 'JudgeError';
  /**
   * - `wrong_options`: they cannot be meant, or the endpoint takes no request of this kind
   * - `unknown_model`: the endpoint does not have it
   * - `forbidden`: the endpoint wants a key, or another
   * - `unavailable`: the endpoint does not answer
   * - `no_cache`: the file holds something else than verdicts
   */
  readonly code: 'wrong_options' | 'unknown_model' | 'forbidden' | 'unavailable' | 'no_cache';

  constructor(code: JudgeError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** One verdict that was not had, when all tries are over. */
export class NoVerdict extends Error {
  override readonly name = 'NoVerdict';
  /** `lost`: there may be an answer another time; `refused`: there would be the same none again; `no_verdict`: it has none. */
  readonly code: 'lost' | 'refused' | 'no_verdict';

  constructor(code: NoVerdict['code'], message: string) {
    super(message);
    this.code = code;
  }
}
