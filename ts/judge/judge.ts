/** A response that a judge is asked about. */
export interface JudgedResponse {
  readonly question: string;
  /** What is right, by the data. */
  readonly gold: string;
  /** The final answer as it was read from the response; the end of the response where none could be read. */
  readonly answer: string;
}

/** A second opinion on whether an answer is right, beside the rule grader's. */
export interface Judge {
  /** The model's name, as the endpoint knows it. */
  readonly model: string;
  /** Without any secret. */
  readonly endpoint: string;
  readonly temperature: number;
  /**
   * @returns for each response whether it is right; null where no verdict could be had, which is told and never taken for
   *   a "no"
   * @throws where the endpoint refuses the credentials or cannot be reached at all; the reason of `signal`
   */
  judge(responses: readonly JudgedResponse[], signal: AbortSignal): Promise<readonly (boolean | null)[]>;
}
