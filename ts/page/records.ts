import type { Vote } from '../domain/vote.ts';

/** A line of `iteration-K/challenger/step-NNN.jsonl`: a text of the Challenger's training, and what it earned. */
export interface ProposalRecord {
  text: string;
  /** Absent, as are the responses, where the text has no question. */
  question?: string;
  responses?: string[];
  label: string | null;
  agreement: number;
  /** Parts by name, `total` among them. */
  reward: Record<string, number> & { total: number };
  advantage: number;
}

/** A line of `iteration-K/questions.jsonl`: a candidate, and what became of it. */
export interface CandidateRecord {
  /** In place of the question, where it is malformed. */
  text?: string;
  question?: string;
  /** Absent, as is what follows from them, where it was dropped before it was answered. */
  responses?: string[];
  vote?: Vote;
  label?: string | null;
  agreement?: number;
  /** `kept`, or the gate that dropped it. */
  fate: string;
}

/** A line of `iteration-K/solver/step-NNN.jsonl`: a question that the Solver was trained on. */
export interface RolloutsRecord {
  question: string;
  rewards: number[];
}
