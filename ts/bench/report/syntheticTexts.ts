import type { Random } from '../../domain/random.ts';
import { evaluateQuestion } from '../../eval/arithmetic.ts';
import { chainText } from '../../eval/chain.ts';

export interface TextOptions {
  /** Answers a question. */
  samples: number;
  /** Characters of an answer, about. */
  answerLength: number;
  /** What questions and answers are taken from, at random, where they are not to be made up. */
  texts: readonly string[];
}

/** Questions that get longer from iteration to iteration, and answers to them that get better. */
export class SyntheticTexts {
  private readonly options: TextOptions;
  private readonly random: Random;

  constructor(options: TextOptions, random: Random) {
    this.options = options;
    this.random = random;
  }

  question(iteration: number): string {
    const { texts } = this.options;
    if (texts.length > 0) return this.anyOf(texts);
    const between = (low: number, high: number) => low + Math.floor(this.random() * (high - low + 1));
    const steps = Array.from({ length: between(1, 2 + iteration) }, () => {
      const operator = (['add', 'subtract', 'multiply'] as const)[between(0, 2)] ?? 'add';
      return { operator, operand: between(operator === 'multiply' ? 2 : 1, 9) };
    });
    return chainText({ start: between(10, 99), steps });
  }

  responses(question: string, iteration: number): string[] {
    const { samples, answerLength, texts } = this.options;
    const truth = evaluateQuestion(question) ?? '42';
    const ease = Math.min(1, Math.max(0, this.random() + 0.1 * iteration - 0.1));
    return Array.from({ length: samples }, () => {
      if (texts.length > 0) return `${this.anyOf(texts)} \\boxed{${truth}}`;
      const draw = this.random();
      let text = 'Step by step:';
      while (text.length < answerLength) text += ` ${Math.floor(this.random() * 100)} and then`;
      if (draw > 0.98) return text;
      const answer = draw < ease ? truth : String(Math.floor(this.random() * 100)).padStart(2, '0');
      return `${text} \\boxed{${answer}}`;
    });
  }

  private anyOf(texts: readonly string[]): string {
    return texts[Math.floor(this.random() * texts.length)] ?? '';
  }
}

/** The answer of a response that was made up here; null without one. */
export function boxed(text: string): string | null {
  return /\\boxed\{([^}]*)\}/.exec(text)?.[1] ?? null;
}
