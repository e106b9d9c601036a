/**
 * How an exam was sat: greedily, sampled, or sampled from a prefix that makes the answer a worked one.
 */
export type Mode = 'greedy' | 'sampled' | 'worked';

/** One line of an iteration's evaluation records: the responses to one question in one mode. */
export interface EvaluationRecord {
  question: string;
  mode: Mode;
  responses: string[];
  /** One mark a response. */
  correct: boolean[];
  /** Mark of the majority answer; only where there is more than one response. */
  majorityCorrect?: boolean;
}

/** What an audit reads of one line of an iteration's question records. */
export interface QuestionRecord {
  /** Absent where the Challenger's text had no question in it. */
  question?: string | null;
  /** The majority answer. */
  label?: string | null;
  /** What the Solver was trained on, where that is not the majority answer (the shuffled arm). */
  trainedLabel?: string | null;
  /** Share of the answers that agree with the label, [0, 1]. */
  agreement?: number | null;
  /** `kept`, or the reason why not. */
  fate: string;
}
