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
  /**
   * The share of labels that are right, in [0, 1], for early warnings and for nothing else; absent where the exam's domain
   * has no truth about questions that are not its own. A question that is no problem of the domain has no right label.
   *
   * @param labelled questions outside the exam, at least one, with the label that each was given
   */
  labelAccuracy?(labelled: readonly { question: string; label: string }[]): number;
}

/** A few questions with known answers, of a user, to see what the Solver's majority is worth. The answers stay here. */
export interface Probe {
  readonly questions: readonly string[];
  /**
   * @param responses raw response texts, `[question][sample]`, in the order of `questions`
   * @returns the share of questions whose majority answer is right, [0, 1]
   */
  accuracy(responses: readonly (readonly string[])[]): number;
}
