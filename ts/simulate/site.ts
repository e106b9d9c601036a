import { stream } from '../domain/random.ts';
import type { Conversation, StopReason } from '../protocol/generated.ts';
import { drawLength, type LengthLaw } from './lengths.ts';
import { challengerText, solverText } from './text.ts';
import type { VirtualTime } from './virtualTime.ts';

/** How long things are, in tokens. */
export interface Lengths {
  /** Prompts of both roles. */
  challengerPrompt: number;
  solverPrompt: number;
  /** What the Challenger writes, and what a Solver answers, whether it is asked for a vote, rolled out or examined. */
  question: LengthLaw;
  answer: LengthLaw;
}

/** One sample as it is drawn. */
export interface DrawnSample {
  text: string;
  length: number;
  stopReason: StopReason;
}

/** What all simulated workers have in common. */
export class Site {
  readonly time: VirtualTime;
  readonly lengths: Lengths;
  /** Models in training: what is sampled of them is trained, so that its tokens are wanted. */
  readonly trained = new Set<string>();
  /** Samples that were answered, and their tokens. */
  samples = 0;
  tokens = 0;
  /** Tokens that were drawn for nobody: of requests that were cancelled, or whose worker failed. */
  lostTokens = 0;

  constructor(time: VirtualTime, lengths: Lengths) {
    this.time = time;
    this.lengths = lengths;
  }

  promptLength(conversation: Conversation): number {
    return questionOf(conversation) === undefined ? this.lengths.challengerPrompt : this.lengths.solverPrompt;
  }

  /** Sample `index` of a conversation: it depends on its seed alone, whoever draws it. */
  draw(conversation: Conversation, seed: number, index: number, maxTokens: number): DrawnSample {
    const random = stream(seed, 'sample', index);
    const question = questionOf(conversation);
    const length = drawLength(question === undefined ? this.lengths.question : this.lengths.answer, maxTokens, random);
    const text = question === undefined ? challengerText(random) : solverText(question, random);
    return { text, length, stopReason: length === maxTokens ? 'length' : 'stop' };
  }
}

/** What the Solver is asked; undefined for the Challenger's conversation, which speaks of tags. */
function questionOf({ messages }: Conversation): string | undefined {
  return messages[0]?.content.includes('<question>') ? undefined : messages[1]?.content;
}
