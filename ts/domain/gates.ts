import { sameAnswer } from './answers/compare.ts';
import type { VotingRule } from './ballot.ts';
import { DigestSet, normalizedQuestion } from './digest.ts';
import type { Band, Fate } from './filter.ts';
import type { ParsingRule } from './parse.ts';

/** Which candidates the Solver is trained on, as data. */
export interface CurriculumRule extends Band {
  readonly parsing: ParsingRule;
  readonly voting: VotingRule;
  /** Longest question, in UTF-16 units; 0 is no limit. */
  readonly maxCharacters: number;
  /** Whether a question that was asked before (normalised) is dropped. */
  readonly duplicates: 'keep' | 'drop';
  /** A question that holds one of these is dropped; case does not matter. */
  readonly questionWords: readonly string[];
  /** So is one whose label does. */
  readonly labelWords: readonly string[];
  /** Whether a label that is not the Challenger's own answer drops the question; so does a missing own answer. */
  readonly ownAnswer: 'ignored' | 'must-match';
}

/** The ablation "without filter" of a rule: every question that has a label is in its band. */
export function withoutFilter<R extends CurriculumRule>(rule: R): R {
  return { ...rule, center: 0.5, delta: 0.5 };
}

/** Why a question is dropped, in the order in which the gates stand. Those before `no_label` need no answers. */
export const GATES = [
  'malformed',
  'too_long',
  'question_word',
  'duplicate',
  'no_label',
  'too_easy',
  'too_hard',
  'label_word',
  'own_answer',
] as const;
export type Gate = (typeof GATES)[number];

/**
 * The gates of one curriculum, first those that need the question alone, then those that need its answers. A dropped
 * question counts at the first gate that drops it. Of a question asked twice the first counts, whatever becomes
 * of it.
 */
export class Gates {
  private readonly rule: CurriculumRule;
  private readonly asked: DigestSet;
  private readonly questionWords: string[];
  private readonly labelWords: string[];

  /** @param remembered questions that duplicates are looked for among, at 16 bytes each or a little more */
  constructor(rule: CurriculumRule, remembered?: number) {
    this.rule = rule;
    this.asked = new DigestSet(remembered);
    this.questionWords = rule.questionWords.map((word) => word.toLowerCase());
    this.labelWords = rule.labelWords.map((word) => word.toLowerCase());
  }

  /** @returns the gate that drops the question before it is answered; null when none does */
  beforeAnswers(question: string): Gate | null {
    const { maxCharacters, duplicates } = this.rule;
    if (maxCharacters > 0 && question.length > maxCharacters) return 'too_long';
    if (holdsOne(question, this.questionWords)) return 'question_word';
    if (duplicates === 'drop' && !this.asked.add(normalizedQuestion(question))) return 'duplicate';
    return null;
  }

  /**
   * @param fate the band's
   * @param ownAnswer the Challenger's box; read where the rule says so
   */
  afterAnswers(fate: Fate, label: string | null, ownAnswer: string | null): Gate | 'kept' {
    if (fate !== 'kept' || label === null) return fate;
    if (holdsOne(label, this.labelWords)) return 'label_word';
    if (this.rule.ownAnswer === 'must-match' && (ownAnswer === null || !sameAnswer(ownAnswer, label))) {
      return 'own_answer';
    }
    return 'kept';
  }
}

function holdsOne(text: string, words: readonly string[]): boolean {
  if (words.length === 0) return false;
  const lower = text.toLowerCase();
  return words.some((word) => lower.includes(word));
}
