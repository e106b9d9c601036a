/**
 * A held-out examination. The loop asks its questions and hands the answers back; the truth stays
 * on the other side of this interface (ts/eval), where the loop cannot import it.
 */
export interface Exam {
  readonly name: string;
  readonly questions: readonly string[];
  /**
   * Text that starts an answer which works the problem out, for measuring accuracy when the style is
   * given; absent where a benchmark has no such notion.
   */
  readonly workedPrefix?: string;
  /**
   * @param responses raw response texts, `[question][sample]`, in the order of `questions`
   * @returns correctness, `[question][sample]`
   */
  grade(responses: readonly (readonly string[])[]): boolean[][];
  /** Accuracy of the majority answer of each question's responses, `[question]`. */
  gradeMajority(responses: readonly (readonly string[])[]): boolean[];
}
