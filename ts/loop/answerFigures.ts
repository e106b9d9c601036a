import type { AnsweredQuestion } from './ask.ts';

/** Adds up what answers to questions are like. Counts alone, so that the order in which they come does not matter. */
export class AnswerFigures {
  private answers = 0;
  private unboxed = 0;
  private cutOff = 0;
  private characters = 0;

  add({ responses, vote, cutOff }: Pick<AnsweredQuestion, 'responses' | 'vote' | 'cutOff'>): void {
    this.answers += responses.length;
    this.unboxed += vote.unboxed;
    this.cutOff += cutOff;
    this.characters += responses.reduce((sum, text) => sum + text.length, 0);
  }

  /** Shares of the answers that have no box or were cut off at maxTokens, and their mean length in characters; none of no answers. */
  get metrics(): Record<string, number> {
    if (this.answers === 0) return {};
    return {
      unboxed: this.unboxed / this.answers,
      answersCutOff: this.cutOff / this.answers,
      answerLength: this.characters / this.answers,
    };
  }
}
